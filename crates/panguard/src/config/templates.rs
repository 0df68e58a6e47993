//! Registered statements: a folder of `*.sql` for a connection, one statement in each, named as its file.

use std::path::Path;
use std::{fs, io};

use sql::{TemplateError, Templates};

use super::place::{Problem, Problems};

/// Reads the folder; the statements, and the files with their texts.
///
/// # Errors
/// Each file that cannot be read, and the first that cannot be registered.
pub fn templates(folder: &Path) -> Result<(Templates, Vec<(String, String)>), Problems> {
    let problem = |file: &Path, message: String| Problem { file: file.into(), line: 0, message };
    let files = sql_files(folder).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => {
                "there is no such folder; make it, and put `*.sql` files in it, one statement in each".into()
            }
            _ => format!("the registered statements cannot be read: {error}"),
        };
        Problems(vec![problem(folder, message)])
    })?;
    let registered =
        files.iter().map(|(name, text)| (name.trim_end_matches(".sql"), text)).collect::<Vec<_>>();
    let templates = Templates::new(registered).map_err(|error| {
        let (TemplateError::Syntax { name, .. }
        | TemplateError::NotAQuery { name }
        | TemplateError::Twice { name, .. }) = &error;
        Problems(vec![problem(&folder.join(format!("{name}.sql")), error.to_string())])
    })?;
    Ok((templates, files))
}

fn sql_files(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    files.sort_unstable();
    Ok(files)
}
