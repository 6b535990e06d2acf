/// One step of the path from the root of a configuration to a value in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// To a member of a table.
    Key(String),
    /// To a member of a list.
    Index(usize),
}
