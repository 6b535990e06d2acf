/// One step of the way from the root of a configuration to a value in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into the member of a table.
    Key(String),
    /// Into the member of a list.
    Index(usize),
}
