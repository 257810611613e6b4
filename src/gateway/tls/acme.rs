//! Certificates by ACME (RFC 8555), proved by TLS on the port that is served anyway (RFC 8737).

use std::{path::PathBuf, sync::Arc, time::Duration};

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, LetsEncrypt,
    NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::{
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

use super::{Certificates, Pair};
use crate::node::data_dir::write_private;

/// First and longest wait after a failure: an authority counts what fails.
const PATIENCE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(6 * 3_600)];
/// How long one order may take.
const ORDER: Duration = Duration::from_secs(180);

/// The file of the account.
const ACCOUNT: &str = "account.json";
/// What an authority says that doesn't know the account (RFC 8555, section 6.7).
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Where certificates are got.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Acme {
    /// Whether they are. It means agreeing to the authority's terms of service.
    pub enabled: bool,
    /// The authority's directory. Default: Let's Encrypt.
    pub directory: String,
    /// A mail address that the authority may write to.
    pub contact: Option<String>,
    /// The certificate of an authority of one's own, as a PEM file, which its https is checked by.
    pub root: Option<PathBuf>,
}

impl Default for Acme {
    fn default() -> Self {
        Acme {
            enabled: false,
            directory: LetsEncrypt::Production.url().to_owned(),
            contact: None,
            root: None,
        }
    }
}

/// Gets certificates and renews them.
#[derive(Debug)]
pub(in crate::gateway) struct Orders {
    pub config: Acme,
    pub domains: Vec<String>,
    /// Where account, key and certificate are kept.
    pub folder: PathBuf,
    pub certificates: Arc<Certificates>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Orders {
    /// Serves what is on disk, and orders what is missing or ends, for as long as it is polled.
    pub async fn run(self) {
        let mut pair = Pair::read(
            &self.file("chain.pem"),
            &self.file("key.pem"),
            &self.domains,
        )
        .ok();
        if let Some(pair) = &pair {
            self.certificates.install(pair);
        }
        let mut patience = PATIENCE[0];
        loop {
            if let Some(pair) = &pair
                && !pair.renewal().is_zero()
            {
                tokio::time::sleep(pair.renewal()).await;
            }
            let ordered = tokio::time::timeout(ORDER, self.order()).await;
            self.certificates.forget_proofs();
            match ordered.unwrap_or_else(|_| Err("no certificate came in three minutes".into())) {
                Ok(new) => {
                    tracing::info!(domains = ?self.domains, "a new certificate is served");
                    self.certificates.install(&new);
                    pair = Some(new);
                    patience = PATIENCE[0];
                }
                Err(error) => {
                    tracing::warn!(
                        domains = ?self.domains,
                        directory = self.config.directory,
                        %error,
                        "no certificate; the next try is in {} s. Each name must lead to this host, \
                         its port 443 to this node, and the clock be right",
                        patience.as_secs()
                    );
                    tokio::time::sleep(patience).await;
                    patience = (patience * 2).min(PATIENCE[1]);
                }
            }
        }
    }

    async fn order(&self) -> Result<Pair, Failure> {
        let account = self.account().await?;
        let names: Vec<_> = self.domains.iter().cloned().map(Identifier::Dns).collect();
        let ordered = account.new_order(&NewOrder::new(&names)).await;
        if let Err(instant_acme::Error::Api(problem)) = &ordered
            && problem.r#type.as_deref() == Some(NO_ACCOUNT)
        {
            // The authority has forgotten it: the next try makes another.
            std::fs::remove_file(self.file(ACCOUNT))?;
        }
        let mut order = ordered?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => return Err(format!("a name is {status:?} to the authority").into()),
            }
            let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
                return Err("the authority doesn't check names by TLS (tls-alpn-01)".into());
            };
            let domain = match challenge.identifier().identifier {
                Identifier::Dns(domain) => domain.clone(),
                other => return Err(format!("the authority asks about {other:?}").into()),
            };
            if !self.domains.contains(&domain) {
                return Err(
                    format!("the authority asks about {domain}, which wasn't ordered").into(),
                );
            }
            let proof = proof(&domain, challenge.key_authorization().digest().as_ref())?;
            self.certificates.prove(&domain, proof);
            challenge.set_ready().await?;
        }
        let status = order.poll_ready(&RetryPolicy::default()).await?;
        if status != OrderStatus::Ready {
            let state = order.state();
            return Err(format!("the order is {status:?}: {:?}", state.error).into());
        }
        let key = KeyPair::generate()?;
        let request = CertificateParams::new(self.domains.clone())?.serialize_request(&key)?;
        order.finalize_csr(request.der()).await?;
        let chain = order.poll_certificate(&RetryPolicy::default()).await?;
        let key = key.serialize_pem();
        let pair = Pair::parse(chain.as_bytes(), key.as_bytes(), &self.domains)?;
        self.keep("key.pem", key.as_bytes())?;
        self.keep("chain.pem", chain.as_bytes())?;
        Ok(pair)
    }

    /// The account of before, or a new one.
    async fn account(&self) -> Result<Account, Failure> {
        let builder = || match &self.config.root {
            Some(root) => Account::builder_with_root(root),
            None => Account::builder(),
        };
        let path = self.file(ACCOUNT);
        if let Ok(text) = std::fs::read(&path)
            && let Ok(kept) = serde_json::from_slice::<Kept>(&text)
            && kept.directory == self.config.directory
        {
            return Ok(builder()?.from_credentials(kept.credentials).await?);
        }
        let contact = self
            .config
            .contact
            .as_ref()
            .map(|to| format!("mailto:{to}"));
        let contact: Vec<_> = contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let directory = self.config.directory.clone();
        let (account, credentials) = builder()?.create(&new, directory.clone(), None).await?;
        let kept = Kept {
            directory,
            credentials,
        };
        self.keep(ACCOUNT, &serde_json::to_vec(&kept)?)?;
        Ok(account)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn keep(&self, name: &str, contents: &[u8]) -> Result<(), Failure> {
        std::fs::create_dir_all(&self.folder)?;
        Ok(write_private(&self.file(name), contents)?)
    }
}

/// An account, and whose.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

/// The certificate that tells an authority that who answers for a name is who ordered.
fn proof(domain: &str, digest: &[u8]) -> Result<CertifiedKey, Failure> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![domain.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = aws_lc_rs::default_provider()
        .key_provider
        .load_private_key(key)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signer))
}
