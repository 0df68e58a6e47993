//! From the paths on the command line to the files to look into.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use rustix::fs::OFlags;

use super::git;
use super::name::Name;

/// One thing to look into.
pub enum Job {
    /// Standard input.
    Input,
    /// A file that was named, or one below what was named.
    File { path: PathBuf, named: bool },
    /// Something that has a name and nothing else to look at: a folder.
    Name(Name),
    /// Something in a repository.
    Object(git::Object),
    /// What cannot be looked into, and why.
    Lost { name: Name, why: String },
}

impl Job {
    pub fn name(&self) -> Name {
        match self {
            Self::Input => Name::of_file(Path::new("-")),
            Self::File { path, .. } => Name::of_file(path),
            Self::Object(git::Object { name, .. }) | Self::Name(name) | Self::Lost { name, .. } => {
                name.clone()
            }
        }
    }

    /// Whether there is more to look at than a name.
    pub fn has_content(&self) -> bool {
        match self {
            Self::Input | Self::File { .. } | Self::Object(_) => true,
            Self::Name(_) | Self::Lost { .. } => false,
        }
    }
}

/// Hands out what is below `paths`, sorted by name in each folder. Links below them are not followed.
///
/// Unless `all`, what `.gitignore` and `.ignore` files leave out is left out, and so are `.git` folders; hidden
/// files are not: that is where secrets are. What a machine's or a clone's own settings ignore counts
/// nowhere, so that a scan says the same everywhere.
pub fn walk(paths: &[PathBuf], all: bool, give: &mut dyn FnMut(Job)) {
    for path in paths {
        if path == Path::new("-") {
            give(Job::Input);
            continue;
        }
        let mut walk = WalkBuilder::new(path);
        walk.standard_filters(false).ignore(!all).git_ignore(!all).parents(!all).require_git(false);
        walk.follow_links(false).sort_by_file_name(Ord::cmp);
        walk.filter_entry(move |entry| all || entry.depth() == 0 || !is_git_folder(entry));
        for entry in walk.build() {
            match entry {
                Ok(entry) => one(entry, give),
                Err(error) => give(lost(path, &error)),
            }
        }
    }
}

/// Opens a file to read. One that was met and not named is opened only if it is a regular file now: a pipe
/// would wait for somebody to write, and a link lead elsewhere.
pub fn open(path: &Path, named: bool) -> io::Result<File> {
    if named {
        return File::open(path);
    }
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file any more"))
    }
}

fn one(entry: DirEntry, give: &mut dyn FnMut(Job)) {
    let named = entry.depth() == 0;
    let kind = entry.file_type();
    let is_folder = kind.is_some_and(|kind| kind.is_dir()) || (named && entry.path().is_dir());
    let is_file = kind.is_some_and(|kind| kind.is_file());
    if is_folder {
        give(Job::Name(Name::of_file(entry.path())));
    } else if named || is_file {
        // Whoever names a pipe or a link wants what is in it.
        give(Job::File { path: entry.into_path(), named });
    }
}

fn is_git_folder(entry: &DirEntry) -> bool {
    entry.file_name() == ".git" && entry.file_type().is_some_and(|kind| kind.is_dir())
}

/// What the walk says of a path that it cannot read, told apart into the path and the reason.
fn lost(named: &Path, error: &ignore::Error) -> Job {
    let mut path = named;
    let mut at = error;
    while let ignore::Error::WithPath { err, .. }
    | ignore::Error::WithDepth { err, .. }
    | ignore::Error::WithLineNumber { err, .. } = at
    {
        if let ignore::Error::WithPath { path: inner, .. } = at {
            path = inner;
        }
        at = err;
    }
    // The walk wraps what the system says into words of its own.
    let wrapped = error.io_error().and_then(io::Error::get_ref).and_then(|it| it.source());
    let why = wrapped.map_or_else(|| at.to_string(), ToString::to_string);
    Job::Lost { name: Name::of_file(path), why }
}
