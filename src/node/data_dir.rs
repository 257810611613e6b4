//! What a node keeps on disk: its key, its address book, the nodes of its rooms.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use libp2p_webrtc_direct::{Certificate, CertificateError};
use serde::{Serialize, de::DeserializeOwned};

use crate::identity::Identity;

/// A node's directory, held by this process alone.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Locked as long as it lives.
    _lock: File,
}

/// The directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process holds it.
    #[error("{0} is in use by another node: stop that one, or give another --data-dir")]
    InUse(PathBuf),
    /// The system refuses.
    #[error(
        "can't {action} {path}: {source}; check its owner and mode, or give another --data-dir"
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate's file holds something else.
    #[error(
        "{path} doesn't hold a node's certificate ({reason}): put the right file back, or move it \
         away and the node makes another, with which pages that know the old one can't reach it"
    )]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key file holds something else.
    #[error(
        "{path} doesn't hold a node's key ({reason}): put the right file back, or move it away \
         and the node starts with a new identity"
    )]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl DataDir {
    /// Opens the directory, which is made if it doesn't exist, and locks it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |action| move |source| failed(action, path, source);
        fs::create_dir_all(path).map_err(io("create"))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(io("write to"))?;
        match lock.try_lock() {
            Ok(()) => Ok(DataDir {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(fs::TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
            Err(fs::TryLockError::Error(source)) => Err(failed("lock", path, source)),
        }
    }

    /// The node's key: read, or made and kept with mode 0600.
    pub fn identity(&self) -> Result<Identity, DataDirError> {
        let path = self.path.join("identity.key");
        match fs::read(&path) {
            Ok(bytes) => {
                let identity = Identity::from_bytes(&bytes).map_err(|e| DataDirError::BadKey {
                    path: path.clone(),
                    reason: e.to_string(),
                })?;
                let mode = fs::metadata(&path)
                    .map_err(|e| failed("read", &path, e))?
                    .permissions()
                    .mode();
                if mode & 0o077 != 0 {
                    tracing::warn!(path = %path.display(), "the key was readable by others; now it isn't");
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
                        .map_err(|e| failed("protect", &path, e))?;
                }
                Ok(identity)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let identity = Identity::generate();
                self.write("identity.key", &identity.to_bytes())?;
                Ok(identity)
            }
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    /// The node's certificate for WebRTC-direct: read, or made and kept. Its fingerprint is in the
    /// addresses that pages have stored, so one that can't be read is never replaced silently.
    pub fn certificate(&self) -> Result<Certificate, DataDirError> {
        let path = self.path.join("certificate.pem");
        let bad = |error: CertificateError| DataDirError::BadCertificate {
            path: path.clone(),
            reason: error.to_string(),
        };
        match fs::read_to_string(&path) {
            Ok(text) => Certificate::from_pem(&text).map_err(bad),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let certificate = Certificate::generate().map_err(bad)?;
                self.write("certificate.pem", certificate.to_pem().as_bytes())?;
                Ok(certificate)
            }
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    /// Reads a JSON file. What doesn't exist or doesn't parse is the default: these files are
    /// memories that the network refreshes, not truths.
    pub fn recall<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        let path = self.path.join(name);
        let mut text = String::new();
        match File::open(&path).and_then(|mut file| file.read_to_string(&mut text)) {
            Ok(_) => serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "forgotten: the file is torn");
                T::default()
            }),
            Err(_) => T::default(),
        }
    }

    /// Writes a JSON file, whole or not at all.
    pub fn remember<T: Serialize>(&self, name: &str, value: &T) -> Result<(), DataDirError> {
        let text = serde_json::to_vec_pretty(value)
            .map_err(|e| failed("write", &self.path.join(name), e.into()))?;
        self.write(name, &text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DataDirError> {
        let path = self.path.join(name);
        write_private(&path, bytes).map_err(|e| failed("write", &path, e))
    }
}

/// Writes a file that nobody else reads, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let peer_id = first.identity().unwrap().peer_id();
        let mode = |name| {
            fs::metadata(dir.path().join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode("identity.key"), 0o600);
        fs::set_permissions(
            dir.path().join("identity.key"),
            fs::Permissions::from_mode(0o644),
        )
        .unwrap();
        assert_eq!(first.identity().unwrap().peer_id(), peer_id);
        assert_eq!(mode("identity.key"), 0o600, "mended");
    }

    #[test]
    fn one_node_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let _first = DataDir::open(dir.path()).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("in use by another node"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_key_is_left_alone_and_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("identity.key"), "not a key").unwrap();
        let error = DataDir::open(dir.path()).unwrap().identity();
        let error = error.err().unwrap().to_string();
        assert!(
            error.contains("identity.key") && error.contains("move it away"),
            "{error}"
        );
        assert_eq!(
            fs::read(dir.path().join("identity.key")).unwrap(),
            b"not a key"
        );
    }

    #[test]
    fn a_torn_memory_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(dir.path()).unwrap();
        data.remember("x.json", &vec![1, 2]).unwrap();
        assert_eq!(data.recall::<Vec<u8>>("x.json"), [1, 2]);
        fs::write(dir.path().join("x.json"), "[1, ").unwrap();
        assert!(data.recall::<Vec<u8>>("x.json").is_empty());
    }
}
