//! The certificate the server makes for itself.

use std::path::Path;

use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, PublicKeyData, SerialNumber};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use hythe_wire::identity::{EXTENSION_OID, extension_value, server_identity};

use super::identity::Identity;
use super::{TlsError, files};

/// What some browsers accept at most is 398 days.
const VALID: Duration = Duration::days(397);

/// A certificate with less time left is renewed.
const RENEW_BEFORE: Duration = Duration::days(60);

/// A peer's clock may be this far behind.
const BACKDATED: Duration = Duration::days(2);

/// Certificate and key in one file, so that one can never be there without the other.
const FILE: &str = "certificate.pem";

/// Host names and addresses a certificate is made for, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateNames(Vec<String>);

impl CertificateNames {
    /// Sorts names and drops doubles and what no certificate can hold.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut names: Vec<String> = names
            .into_iter()
            .filter(|n| n.is_ascii() && !n.is_empty())
            .collect();
        names.sort();
        names.dedup();
        Self(names)
    }
}

/// The certificate in `folder`; made anew when there is none, when it soon ends, or when it is of
/// another identity or for other names.
pub(super) fn load(
    folder: &Path,
    identity: &Identity,
    names: &CertificateNames,
) -> Result<CertifiedKey, TlsError> {
    let path = folder.join(FILE);
    let now = OffsetDateTime::now_utc();
    if let Ok(pem) = files::read(&path)
        && let Some(pair) = usable(&pem, identity, names, now)
    {
        return Ok(pair);
    }
    files::private_folder(folder)?;
    let pem = make(identity, names, now).map_err(TlsError::Make)?;
    files::write_private(&path, pem.as_bytes())?;
    parse(pem.as_bytes()).ok_or_else(|| TlsError::Content {
        path,
        reason: "it was just written".to_owned(),
    })
}

/// The pair in a file, unless it has to be made anew.
fn usable(
    pem: &[u8],
    identity: &Identity,
    names: &CertificateNames,
    now: OffsetDateTime,
) -> Option<CertifiedKey> {
    let pair = parse(pem)?;
    let der = pair.cert.first()?;
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let ends = certificate.validity().not_after.to_datetime();
    let serves = server_identity(der).ok() == Some(identity.public())
        && ends - now > RENEW_BEFORE
        && certificate.validity().not_before.to_datetime() <= now
        && names_of(&certificate) == *names;
    serves.then_some(pair)
}

/// Reads certificate and key from one file.
fn parse(pem: &[u8]) -> Option<CertifiedKey> {
    let certificate = CertificateDer::from_pem_slice(pem).ok()?;
    let key = PrivateKeyDer::from_pem_slice(pem).ok()?;
    CertifiedKey::from_der(vec![certificate], key, &aws_lc_rs::default_provider()).ok()
}

/// The names in a certificate.
fn names_of(certificate: &X509Certificate<'_>) -> CertificateNames {
    use x509_parser::extensions::GeneralName;
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return CertificateNames(Vec::new());
    };
    CertificateNames::new(
        names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                GeneralName::IPAddress(bytes) => ip_text(bytes),
                _ => None,
            }),
    )
}

/// The text form of an address in a certificate.
fn ip_text(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    let v6 = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(v6).to_string())
}

/// A fresh key and a certificate for it that the identity vouches for, as PEM.
fn make(
    identity: &Identity,
    names: &CertificateNames,
    now: OffsetDateTime,
) -> Result<String, rcgen::Error> {
    // ECDSA on P-256: what every browser can verify. The identity itself is Ed25519.
    let key = KeyPair::generate()?;
    let signature = identity.sign_certificate(&key.subject_public_key_info());
    let mut params = CertificateParams::new(names.0.clone())?;
    params.not_before = now - BACKDATED;
    params.not_after = now + VALID - BACKDATED;
    params.serial_number = Some(SerialNumber::from(now.unix_timestamp().unsigned_abs()));
    params
        .distinguished_name
        .push(DnType::CommonName, "Hythe server");
    let value = extension_value(identity.public(), &signature);
    params.custom_extensions = vec![CustomExtension::from_oid_content(EXTENSION_OID, value)];
    let certificate = params.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hythe_model::Secret32;

    fn identity(byte: u8) -> Identity {
        Identity::from_seed(&Secret32::new([byte; 32]))
    }

    fn names(list: &[&str]) -> CertificateNames {
        CertificateNames::new(list.iter().map(|n| (*n).to_owned()))
    }

    #[test]
    fn a_certificate_is_kept_until_identity_or_names_change() {
        let folder = tempfile::tempdir().unwrap();
        let names = names(&["localhost", "127.0.0.1", "::1"]);
        let first = load(folder.path(), &identity(1), &names).unwrap();
        let again = load(folder.path(), &identity(1), &names).unwrap();
        assert_eq!(first.cert, again.cert);

        let other = CertificateNames::new(["example.org".to_owned()]);
        let renamed = load(folder.path(), &identity(1), &other).unwrap();
        assert_ne!(first.cert, renamed.cert);
        assert_eq!(
            server_identity(&renamed.cert[0]),
            server_identity(&first.cert[0])
        );

        let moved = load(folder.path(), &identity(2), &other).unwrap();
        assert_eq!(server_identity(&moved.cert[0]), Ok(identity(2).public()));
    }

    #[test]
    fn a_certificate_is_renewed_before_it_ends_and_keeps_the_identity() {
        let names = names(&["localhost"]);
        let then = OffsetDateTime::now_utc();
        let pem = make(&identity(1), &names, then).unwrap();
        let at = |days| {
            usable(
                pem.as_bytes(),
                &identity(1),
                &names,
                then + Duration::days(days),
            )
        };
        assert!(at(0).is_some());
        assert!(at(330).is_some());
        assert!(at(340).is_none(), "less than 60 days are left");
        assert!(at(-3).is_none(), "not valid yet");
    }

    #[test]
    fn a_flipped_bit_anywhere_in_the_extension_is_no_identity() {
        let pem = make(
            &identity(1),
            &names(&["localhost"]),
            OffsetDateTime::now_utc(),
        )
        .unwrap();
        let der = parse(pem.as_bytes()).unwrap().cert[0].to_vec();
        let key = identity(1).public();
        let start = der.windows(32).position(|w| w == key.0).unwrap();
        for offset in start..start + 96 {
            let mut forged = der.clone();
            forged[offset] ^= 1;
            assert!(server_identity(&forged).is_err(), "byte {offset}");
        }
    }

    #[test]
    fn the_key_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("tls");
        load(&inner, &identity(1), &names(&["localhost"])).unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inner.join(FILE)), 0o600);
        assert_eq!(mode(&inner), 0o700);
    }
}
