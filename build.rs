//! Tells the program which commit a release build is made of: `bot-sso --version` prints it (docs/deploying.md §Versions).
//!
//! Only a release build asks git. A debug build would otherwise be compiled anew after each commit. The same commit gives the
//! same text on each machine: the hash has eight digits, the date is the commit's in UTC.
#![allow(clippy::disallowed_methods, reason = "cargo passes its parameters to a build script in the environment")]
#![allow(clippy::print_stdout, reason = "cargo reads the standard output of a build script")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is made of, besides the dependencies that `Cargo.lock` names. A change in it that is not committed shows
/// in the version.
const SOURCES: [&str; 7] =
    ["src", "fixtures/config", "Cargo.toml", "Cargo.lock", "build.rs", "askama.toml", "rust-toolchain.toml"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let build = if is_release { describe_release() } else { "debug build".to_owned() };
    println!("cargo::rustc-env=BOT_SSO_BUILD={build}");
}

/// `1f317fe8 2026-11-30`, with `, changed` after it if the sources are not those of the commit.
fn describe_release() -> String {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    if !is_repository_of_this_package() {
        return "built outside of its repository".to_owned();
    }
    for file in files_of_head() {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let commit = git(&["log", "-1", "--abbrev=8", "--date=format-local:%Y-%m-%d", "--format=%h %cd"]);
    let Some(commit) = commit.filter(|commit| !commit.is_empty()) else { return "of no commit".to_owned() };
    let changed = git(&[&["status", "--porcelain", "--"], SOURCES.as_slice()].concat());
    if changed.is_none_or(|changed| !changed.is_empty()) { format!("{commit}, changed") } else { commit }
}

/// Whether this folder is the top of a work tree. The sources of a release may lie in a repository of something else.
fn is_repository_of_this_package() -> bool {
    let top = git(&["rev-parse", "--show-toplevel"]).and_then(|top| Path::new(&top).canonicalize().ok());
    let here = Path::new(".").canonicalize().ok();
    top.is_some() && top == here
}

/// The files of git that change when another commit is checked out, or a commit is made. In a linked work tree they lie in
/// two folders. Cargo takes a file that does not exist for a changed one, so only those that exist are named: for a branch
/// without a file of its own, the folder in which the next commit will make it.
fn files_of_head() -> Vec<PathBuf> {
    let path_of = |name: &str| git(&["rev-parse", "--git-path", name]).map(PathBuf::from);
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).and_then(|branch| path_of(&branch));
    let branch = branch.and_then(|file| file.ancestors().find(|place| place.exists()).map(Path::to_owned));
    let others = ["HEAD", "packed-refs"].into_iter().filter_map(path_of);
    others.chain(branch).filter(|file| file.exists()).collect()
}

/// The output of a git command in this folder; `None` if git is missing or refuses.
fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").envs([("TZ", "UTC"), ("GIT_OPTIONAL_LOCKS", "0")]).args(arguments).output().ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}
