//! Tokens: read from files, kept out of logs.

use std::path::PathBuf;

use http::HeaderValue;

/// A token in a file. The file may be rotated; it is read whenever a connection is made.
#[derive(Clone)]
pub(crate) struct Secret {
    path: PathBuf,
    value: Option<HeaderValue>,
}

impl Secret {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, value: None }
    }

    /// Reads the file again. Errors name the file, never what is in it.
    pub(crate) fn reread(&mut self) -> Result<(), String> {
        let fail = |why: &str| format!("token file {}: {why}", self.path.display());
        let text = std::fs::read_to_string(&self.path).map_err(|error| fail(&error.to_string()))?;
        let token = text.trim();
        if token.is_empty() {
            return Err(fail("empty"));
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| fail("holds characters that no header can carry"))?;
        value.set_sensitive(true);
        self.value = Some(value);
        Ok(())
    }

    /// The value of an `authorization` header; marked sensitive, so that no log shows it.
    pub(crate) fn bearer(&self) -> Result<HeaderValue, String> {
        self.value.clone().ok_or_else(|| format!("token file {}: not read yet", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_token_shows_in_no_error_and_no_debug_output() {
        let path = std::env::temp_dir().join(format!("amesh-token-{}", std::process::id()));
        std::fs::write(&path, "s3cret\n").unwrap();
        let mut secret = Secret::new(path.clone());
        secret.reread().unwrap();
        assert_eq!(secret.bearer().unwrap(), "Bearer s3cret");
        assert!(!format!("{:?}", secret.bearer()).contains("s3cret"));
        std::fs::write(&path, "s3c\nret").unwrap();
        assert!(!secret.reread().unwrap_err().contains("s3c"));
        std::fs::remove_file(&path).unwrap();
        assert!(secret.reread().unwrap_err().contains("amesh-token"));
    }
}
