use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Archive, Stay};
use crate::plain;
use crate::segment::sync_folder;

/// An archive in a folder: another disk, a mounted share.
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// In the folder `root`, which is made if it is not there.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Makes the folders down to `folder`, for panguard's user alone, and their names durable.
    fn make(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let above = folder.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        above.chain(self.root.parent()).try_for_each(|folder| match folder.as_os_str().is_empty() {
            true => Ok(()),
            false => sync_folder(folder),
        })
    }
}

impl Archive for Directory {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match plain::read(&self.root.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], stay: Stay) -> io::Result<()> {
        if stay == Stay::Forever
            && let Some(found) = self.get(name)?
        {
            return match found == bytes {
                true => Ok(()),
                false => Err(io::Error::new(ErrorKind::AlreadyExists, "something else is there")),
            };
        }
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        self.make(folder)?;
        let unfinished = path.with_extension("new");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mode = if stay == Stay::Forever { 0o400 } else { 0o600 };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
        file.write_all(bytes)?;
        File::sync_all(&file)?;
        fs::rename(&unfinished, &path)?;
        sync_folder(folder)
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let files = match fs::read_dir(self.root.join(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let mut names = Vec::new();
        for file in files {
            names.extend(file?.file_name().into_string().ok().filter(|name| !name.ends_with(".new")));
        }
        Ok(names)
    }
}
