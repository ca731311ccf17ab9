//! Opens the typed text in the editor of the user.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::{fs, io};

use private_files::file;

/// A running editor, and the file with the text. The file is removed when the value is dropped.
#[derive(Debug)]
pub(crate) struct ExternalEditor {
    child: Child,
    file: EditedFile,
}

#[derive(Debug)]
struct EditedFile(PathBuf);

impl Drop for EditedFile {
    fn drop(&mut self) {
        // Only this user could read it.
        let _ = fs::remove_file(&self.0);
    }
}

impl ExternalEditor {
    /// Starts `$VISUAL`, `$EDITOR` or `vi` with this text, in a file of the directory that only this user can read.
    pub(crate) fn start(dir: &Path, text: &str) -> io::Result<Self> {
        let path = dir.join(format!("draft-{}.txt", std::process::id()));
        // One that is left from a process of the same number.
        let _ = fs::remove_file(&path);
        drop(file::create_new(&path)?);
        let file = EditedFile(path);
        fs::write(&file.0, text)?;
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".into());
        // The variable may have arguments, as for git.
        let mut command = Command::new("sh");
        command.args(["-c", "eval \"$0 \\\"\\$1\\\"\""]).arg(editor).arg(&file.0);
        Ok(Self { child: command.spawn()?, file })
    }

    /// Returns whether it has ended, and then its text. Does not wait.
    pub(crate) fn poll(&mut self) -> io::Result<Option<String>> {
        match self.child.try_wait()? {
            None => Ok(None),
            Some(status) if status.success() => fs::read_to_string(&self.file.0).map(Some),
            Some(status) => Err(io::Error::other(format!("the editor failed with {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b");
        drop(file::create_new(&path).unwrap());
        drop(EditedFile(path.clone()));
        assert!(!path.exists());
    }
}
