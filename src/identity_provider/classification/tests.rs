use super::*;

#[test]
fn call_without_a_response_is_transient_unless_the_host_rules_refused_it() {
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
