use super::*;

#[test]
fn a_call_without_an_answer_is_an_outage_unless_our_rules_forbade_it() {
    assert_eq!(
        classify_unanswered(&OutboundError::HostRefused { host: "h".into() }).error.failure,
        RedeemFailure::Misconfigured
    );
    for (error, retry) in [
        (OutboundError::Unreachable, true),
        (OutboundError::Broken, true),
        (OutboundError::TimedOut, false),
        (OutboundError::TooLarge, false),
    ] {
        let classified = classify_unanswered(&error);
        assert_eq!((classified.error.failure, classified.retry), (RedeemFailure::Transient, retry));
    }
}
