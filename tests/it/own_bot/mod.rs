//! A bot of a developer's own behind `bot-sso dev`: the options, what is printed for it, and its users' sign-ins. The bots are
//! unmodified SDK bots, started with the printed settings; the client is the unmodified client library of Web Chat.

mod fixture;
mod later;
mod options;
mod printed;
mod sign_in;
