//! What a daemon does about a lie that another device found out: it stops that space, says why, and
//! goes on when a person said so or the server shows what it held back (A17).

use hythe_client::daemon::{self, Daemon, Options};
use hythe_client::home::Home;
use hythe_control::{
    Caller, Failure, FailureKind, FolderState, Octets, Place, Reply, Request, SpaceInfo,
    SpacesRequest,
};

use super::sightings::{Scene, scene};
use crate::rig::put;

async fn ask(daemon: &Daemon, request: Request) -> Result<Reply, Failure> {
    let mut caller = Caller::within(daemon.service()).unwrap();
    match caller.call(&request, None, |_| ()).await {
        Ok(reply) => Ok(reply),
        Err(hythe_control::CallError::Failed(failure)) => Err(failure),
        Err(other) => panic!("{other}"),
    }
}

async fn letters(daemon: &Daemon) -> SpaceInfo {
    let Ok(Reply::Spaces(infos)) = ask(daemon, Request::Spaces(SpacesRequest::List)).await else {
        panic!("no spaces")
    };
    let home = infos.iter().find(|info| info.personal).unwrap();
    assert_eq!(home.contradicted, None, "no other space is concerned");
    infos
        .into_iter()
        .find(|info| info.name == "letters")
        .unwrap()
}

fn place(path: &str) -> Place {
    Place::Space {
        space: "letters".into(),
        path: Octets(path.as_bytes().to_vec()),
    }
}

async fn folder(daemon: &Daemon) -> (FolderState, String) {
    let Ok(Reply::Status(status)) = ask(daemon, Request::Status).await else {
        panic!("no status")
    };
    let folder = status.folders.into_iter().next().unwrap();
    (folder.state, folder.reason.unwrap_or_default())
}

#[tokio::test]
async fn a17_a_space_of_which_the_server_holds_something_back_is_stopped_until_a_yes() {
    let scene = scene().await;
    let end = scene.his.head().await;
    put(&scene.hers, "two", b"two".to_vec()).await.unwrap();
    let _ = scene.hers.exchange_sightings().await.unwrap();
    let Scene {
        proxy,
        hers,
        bob,
        his,
        ..
    } = &scene;
    assert!(his.head().await.cursor < hers.head().await.cursor);
    let home = Home::open(bob.home.path()).unwrap().lock().unwrap();
    let options = Options {
        folders: true,
        server_url: Some(proxy.url().to_string()),
        ..Options::default()
    };
    scene.end_at(end);
    let daemon = daemon::start(home, options).await.unwrap();
    let disk = tempfile::tempdir().unwrap();
    let dir = Octets(disk.path().to_str().unwrap().as_bytes().to_vec());
    let add = Request::FolderAdd {
        dir,
        place: place(""),
    };
    assert!(matches!(ask(&daemon, add).await, Ok(Reply::Folder(_))));

    let said = letters(&daemon).await.contradicted.unwrap();
    assert!(said.contains("1 change fewer than device"), "{said}");
    let (state, reason) = folder(&daemon).await;
    assert_eq!(state, FolderState::Unavailable);
    assert!(reason.starts_with(&said), "{reason}");
    assert!(
        reason.contains("nothing of letters is sent or fetched"),
        "{reason}"
    );
    let write = Request::MakeDirectory {
        place: place("new"),
        parents: false,
    };
    let refused = ask(&daemon, write.clone()).await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Attention);
    assert_eq!(refused.cause.as_ref(), Some(&said));

    let confirm = || {
        Request::Spaces(SpacesRequest::Confirm {
            space: "letters".into(),
        })
    };
    let Ok(Reply::Space(info)) = ask(&daemon, confirm()).await else {
        panic!("not confirmed")
    };
    assert_eq!(
        (info.contradicted, info.position),
        (None, Some(end.cursor.0))
    );
    assert_ne!(folder(&daemon).await.0, FolderState::Unavailable);
    let again = ask(&daemon, confirm()).await.unwrap_err();
    assert_eq!(again.kind, FailureKind::Refused);

    // She says more, and it is missed again; then it comes, and nobody has to say anything.
    put(hers, "three", b"three".to_vec()).await.unwrap();
    let _ = hers.exchange_sightings().await.unwrap();
    let said = letters(&daemon).await.contradicted.unwrap();
    assert!(said.contains("2 changes fewer than device"), "{said}");
    proxy.be_honest();
    let info = letters(&daemon).await;
    assert_eq!(info.contradicted, None);
    assert_eq!(info.position, Some(hers.head().await.cursor.0));
    assert!(ask(&daemon, write).await.is_ok());
    daemon.stop().await;
}
