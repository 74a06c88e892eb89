//! Lies about who somebody is: logs of accounts, at enrolment and later.

use hythe_client::enrol::{self, EnrolError};
use hythe_client::keys::KeyStore;
use hythe_client::replica::{Alarm, ReplicaError};
use hythe_model::{AccountId, Cursor};
use hythe_wire::log::LogFrame;
use hythe_wire::routes;

use crate::proxy::{Proxy, reframe, unframe};
use crate::rig::{Device, info, now_ms};

/// The frames of an account's log as the server sends them.
pub async fn log_of(reader: &Device, account: AccountId) -> Vec<LogFrame> {
    let api = &reader.common.api;
    let mut pages = api.account_log(account, Cursor::START).await.unwrap();
    let mut frames = Vec::new();
    let mut end = None;
    while let Some(page) = pages.next_page().await.unwrap() {
        frames.extend(page.entries.into_iter().map(LogFrame::Entry));
        end = page.head.or(end);
    }
    let head = end.unwrap();
    frames.push(LogFrame::End { head });
    frames
}

/// Tries to take up an offer by way of the liar; nothing may come of it, and nothing be sent.
async fn refused(proxy: &Proxy, url: &str) -> EnrolError {
    let home = tempfile::tempdir().unwrap();
    let store = KeyStore::open(home.path().join("keys")).unwrap();
    proxy.record();
    let error = enrol::connect(&store, url, info("b"), "b", now_ms())
        .await
        .err()
        .unwrap();
    let asked = proxy.recorded();
    assert!(asked.iter().all(|one| one.method == "GET"), "{error}");
    assert!(store.device().unwrap().is_none() && store.enrolling().unwrap().is_none());
    error
}

#[tokio::test]
async fn a1_a2_a_changed_or_another_accounts_log_enrols_nothing() {
    let proxy = Proxy::start().await;
    let ada = proxy.account("ada").await;
    let bob = proxy.account("bob").await;
    let offer = enrol::offer_device(&ada.common.api, &ada.keys, None, now_ms())
        .await
        .unwrap();
    let url = proxy.through(&offer.url.to_string());

    // All of another account, whose keys the server might have.
    let others = reframe(&log_of(&bob, bob.keys.account).await);
    let path = routes::account_log(ada.keys.account);
    proxy.lie(move |asked, bytes| match asked.starts_with(&path) {
        true => others.clone(),
        false => bytes,
    });
    let error = refused(&proxy, &url).await;
    assert!(matches!(error, EnrolError::Log(_)), "{error}");

    // Without its last entry, which is the offer: an older state of the account.
    proxy.lie(|asked, bytes| {
        if !asked.contains("/log?") {
            return bytes;
        }
        let mut frames: Vec<LogFrame> = unframe(&bytes);
        frames.remove(frames.len() - 2);
        if let (Some(LogFrame::Entry(last)), end) =
            (frames.get(frames.len() - 2).cloned(), frames.len() - 1)
        {
            frames[end] = LogFrame::End { head: last.head };
        }
        reframe(&frames)
    });
    let error = refused(&proxy, &url).await;
    assert!(error.is_spent(), "{error}");
    proxy.be_honest();
    let joined = Device::connect(&url, "b").await;
    assert_eq!(joined.keys.account, ada.keys.account);
}

/// Keys, wraps, consent, counters: all of it is in what is signed or hashed.
#[tokio::test]
async fn a1_a5_a11_no_byte_of_an_accounts_log_can_change_unseen() {
    let proxy = Proxy::start().await;
    let ada = proxy.account("ada").await;
    let offer = enrol::offer_device(&ada.common.api, &ada.keys, None, now_ms())
        .await
        .unwrap();
    let url = proxy.through(&offer.url.to_string());
    for part in 0..60 {
        proxy.lie(move |asked, bytes| {
            if !asked.contains("/log?") {
                return bytes;
            }
            let mut frames: Vec<LogFrame> = unframe(&bytes);
            let entries = frames.len() - 1;
            if let LogFrame::Entry(entry) = &mut frames[part % entries] {
                let at = entry.change_set.len() * part / 60;
                entry.change_set[at] ^= 1;
            }
            reframe(&frames)
        });
        let error = refused(&proxy, &url).await;
        assert!(matches!(error, EnrolError::Log(_)), "{part}: {error}");
    }
}

#[tokio::test]
async fn a17_an_accounts_log_that_goes_back_or_elsewhere_is_refused() {
    let proxy = Proxy::start().await;
    let ada = proxy.account("ada").await;
    // A second entry, so that there is something to go back from.
    let _third = ada.add().await;
    let victim = proxy.behind(ada.add().await);
    let account = victim.keys.account;
    let accounts = &victim.common.accounts;
    let known = accounts.get(account).await.unwrap().head();
    for elsewhere in [false, true] {
        proxy.lie(move |asked, bytes| {
            if !asked.contains("/log?") {
                return bytes;
            }
            let mut head = known;
            match elsewhere {
                true => head.chain.0[0] ^= 1,
                false => head.cursor.0 -= 1,
            }
            reframe(&[LogFrame::End { head }])
        });
        let error = accounts.refresh(account).await.unwrap_err();
        let shown = matches!(&error, ReplicaError::Alarm(Alarm::Account { account: of, .. }) if *of == account);
        assert!(shown, "{error}");
        assert_eq!(accounts.get(account).await.unwrap().head(), known);
    }
    proxy.be_honest();
    assert!(!accounts.refresh(account).await.unwrap());
}
