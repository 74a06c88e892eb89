//! The spaces of an account, with the names of those that the server can open.

use std::sync::Arc;

use hythe_model::SpaceId;
use hythe_space::Record;
use hythe_wire::space::SpaceView;

use super::super::keyring::Keyring;
use super::super::{Files, FilesError, Inner, Principal, view};
use crate::metadata::logs;
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx};

/// A space as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSpace {
    /// What is known of it without opening anything.
    pub view: SpaceView,
    /// Its name; none where the server cannot open it, or it has none.
    pub name: Option<String>,
    /// How many take part, the server not counted.
    pub members: u64,
}

impl Files {
    /// The spaces of the caller's account, as [`Files::spaces`], with their names.
    ///
    /// # Errors
    /// The database's.
    pub async fn plain_spaces(&self, principal: &Principal) -> Result<Vec<NamedSpace>, FilesError> {
        let views = self.spaces(principal).await?;
        let inner = Arc::clone(&self.inner);
        let read = move |tx: &mut dyn Tx| {
            let named = views.into_iter().map(|view| named(tx, &inner, view));
            named.collect::<Result<Vec<_>, DbError>>()
        };
        Ok(self.inner.database.read(read).await?)
    }
}

fn named(tx: &mut dyn Tx, inner: &Inner, view: SpaceView) -> Result<NamedSpace, DbError> {
    let log = logs::get(tx, view.id.as_bytes())?.ok_or(DbError::Shape("a log"))?;
    let keyring = match log.open {
        true => Keyring::load(tx, inner, &log)?,
        false => Keyring::default(),
    };
    let space = records::get(tx, log.no, RecordKind::Space, &[])?;
    let space = space.as_deref().map(view::record).transpose()?;
    let sealed = match space {
        Some(Record::Space(space)) => space.name,
        _ => None,
    };
    let name = sealed.and_then(|sealed| keyring.name(SpaceId(log.id), &sealed));
    let mut members = 0;
    for bytes in records::all(tx, log.no, RecordKind::Member)? {
        if let Record::Member(member) = view::record(&bytes)? {
            let counts = member.role.is_some() && member.account != inner.account();
            members += u64::from(counts);
        }
    }
    Ok(NamedSpace {
        view,
        name: name.map(|name| name.as_str().to_owned()),
        members,
    })
}
