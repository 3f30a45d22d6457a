//! The certificates with which the services of one demo system know each other: an authority for the system, some
//! authorities below it as in a company that delegates, and one certificate that every instance shows.
//! They are made with the system and lie in its directory; nothing outside the system trusts them.
//! It deliberately makes no short cut for a second connection: a session is not resumed, so that a client that
//! connects anew for each request pays for each, as one whose runtime is made anew does.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
};
use thiserror::Error;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};

/// The name in the certificate; instances are reached by address, so it is the same for all.
pub(crate) const SERVER_NAME: &str = "demo.internal";
/// Authorities between the root and the certificate that is shown. Both sides check the whole chain, and a check of
/// a P-384 signature costs about a millisecond, so that a handshake costs tens of milliseconds.
const INTERMEDIATES: usize = 5;
const ROOT_FILE: &str = "root.der";
const KEY_FILE: &str = "key.der";

/// Credentials that cannot be made or used.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// A file cannot be written or read.
    #[error("cannot {action} `{path}`; hint: create the system again")]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// The credentials do not fit together.
    #[error("cannot use the certificates; hint: create the system again")]
    Tls(#[from] rustls::Error),
    /// The certificates of callers cannot be checked.
    #[error("cannot check the certificates of callers; hint: create the system again")]
    Verifier(#[from] VerifierBuilderError),
}

/// Makes the certificates of a new system in `directory`.
pub(crate) fn create(directory: &Path) -> Result<(), CredentialError> {
    let (root, root_key) = (authority("root")?, key()?);
    write(directory, ROOT_FILE, root.self_signed(&root_key)?.der())?;
    let leaf_key = key()?;
    write(directory, KEY_FILE, &leaf_key.serialize_der())?;

    let mut chain: Vec<CertificateDer<'static>> = Vec::new();
    let mut above: Issuer<'static, KeyPair> = Issuer::new(root, root_key);
    for level in 1..=INTERMEDIATES {
        let (params, signing_key) = (authority(&format!("authority {level}"))?, key()?);
        chain.insert(0, params.signed_by(&signing_key, &above)?.der().clone());
        above = Issuer::new(params, signing_key);
    }
    let mut leaf = CertificateParams::new(vec![SERVER_NAME.to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, SERVER_NAME);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    chain.insert(0, leaf.signed_by(&leaf_key, &above)?.der().clone());
    for (index, certificate) in chain.iter().enumerate() {
        write(directory, &chain_file(index), certificate)?;
    }
    Ok(())
}

fn key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)
}

fn authority(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, format!("demo {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

fn chain_file(index: usize) -> String {
    format!("chain-{index}.der")
}

fn write(directory: &Path, name: &str, content: &[u8]) -> Result<(), CredentialError> {
    let path = directory.join(name);
    crate::files::write_atomically(&path, content).map_err(|source| CredentialError::File {
        action: "write",
        path,
        source,
    })
}

fn read(directory: &Path, name: &str) -> Result<Vec<u8>, CredentialError> {
    let path = directory.join(name);
    std::fs::read(&path).map_err(|source| CredentialError::File { action: "read", path, source })
}

/// What an instance shows and trusts.
#[derive(Debug)]
pub(crate) struct Credentials {
    root: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Credentials {
    /// Reads what `create` made in `directory`.
    pub(crate) fn load(directory: &Path) -> Result<Self, CredentialError> {
        let chain = (0..=INTERMEDIATES).map(|index| Ok(read(directory, &chain_file(index))?.into()));
        Ok(Self {
            root: read(directory, ROOT_FILE)?.into(),
            chain: chain.collect::<Result<_, CredentialError>>()?,
            key: PrivatePkcs8KeyDer::from(read(directory, KEY_FILE)?).into(),
        })
    }

    fn trusted(&self) -> Result<RootCertStore, CredentialError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        Ok(roots)
    }

    /// For the calling side.
    pub(crate) fn client(&self) -> Result<Arc<ClientConfig>, CredentialError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.trusted()?)
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())?;
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// For the called side.
    pub(crate) fn server(&self) -> Result<Arc<ServerConfig>, CredentialError> {
        let provider = Arc::new(ring::default_provider());
        let callers =
            WebPkiClientVerifier::builder_with_provider(Arc::new(self.trusted()?), Arc::clone(&provider))
                .build()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(callers)
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::clock;

    async fn handshake(client: &Credentials, server: &Credentials) -> (io::Result<()>, io::Result<()>) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let connector = TlsConnector::from(client.client().unwrap());
        let acceptor = TlsAcceptor::from(server.server().unwrap());
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let (connected, accepted) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
        (connected.map(drop), accepted.map(drop))
    }

    #[tokio::test]
    async fn instances_of_one_system_trust_each_other_and_no_other_system() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        create(ours.path()).unwrap();
        create(theirs.path()).unwrap();
        let (ours, theirs) =
            (Credentials::load(ours.path()).unwrap(), Credentials::load(theirs.path()).unwrap());
        let started = clock::monotonic();
        let (connected, accepted) = handshake(&ours, &ours).await;
        eprintln!("a handshake takes {:?}", started.elapsed());
        assert!(connected.is_ok() && accepted.is_ok(), "{connected:?} {accepted:?}");
        assert!(handshake(&ours, &theirs).await.0.is_err());
    }
}
