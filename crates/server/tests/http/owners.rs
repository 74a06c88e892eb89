//! App passwords, the end of an account, and governing a server, over HTTP.

use data_encoding::BASE64;
use hythe_wire::admin::{Audit, AuditRow, Invited, Policy, User, UserList};
use hythe_wire::app_password::{AppPassword, AppPasswordList, CreateAppPassword};
use hythe_wire::deletion::{DeleteReply, DeleteRequest};
use hythe_wire::invite::InviteUrl;
use hythe_wire::space::SpaceList;
use hythe_wire::{Code, Token, headers, routes};
use serde_json::{Value, json};

use crate::person::{Candidate, Person, join, register};
use crate::world::{World, problem, reply};

fn with_json(
    request: reqwest::RequestBuilder,
    body: &impl serde::Serialize,
) -> reqwest::RequestBuilder {
    let body = serde_json::to_vec(body).unwrap();
    request.header("content-type", headers::JSON).body(body)
}

fn basic(login: &str, password: &AppPassword) -> String {
    let text = format!("{login}:{password}");
    format!("Basic {}", BASE64.encode(text.as_bytes()))
}

async fn get(world: &World, path: &str, authorization: &str) -> reqwest::Response {
    let get = world.client().get(world.url(path));
    get.header("authorization", authorization)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn r1_an_app_password_lets_a_program_in_and_no_further() {
    let world = World::start().await;
    let ann = join(&world, 1).await;
    let password = AppPassword::new([3; 20]);
    let new = CreateAppPassword {
        name: "phone".into(),
        hash: password.hash(),
        read_only: true,
        spaces: vec![],
    };
    let path = routes::ACCOUNT_APP_PASSWORDS;
    let made = with_json(ann.post(&world, path), &new)
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 204);

    let shown = basic("person-1", &password);
    let answer = get(&world, routes::SPACES, &shown).await;
    let spaces: SpaceList = answer.json().await.unwrap();
    assert_eq!(spaces.spaces[0].id, ann.space);
    for path in [routes::DEVICES, path, routes::ADMIN_USERS] {
        let refused = problem(get(&world, path, &shown).await).await;
        assert_eq!(refused.code, Code::Forbidden, "{path}");
    }
    let wrong = basic("person-2", &password);
    let refused = problem(get(&world, routes::SPACES, &wrong).await).await;
    assert_eq!(refused.code, Code::Unauthenticated);

    let listed: AppPasswordList = ann
        .get(&world, path)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(listed.app_passwords[0].used_ms.is_some());
    let remove = routes::ACCOUNT_APP_PASSWORDS_REMOVE;
    let removed = with_json(ann.post(&world, remove), &json!({"name": "phone"}));
    assert_eq!(removed.send().await.unwrap().status(), 204);
    let refused = problem(get(&world, routes::SPACES, &shown).await).await;
    assert_eq!(refused.code, Code::Unauthenticated);
}

#[tokio::test]
async fn an_owner_deletes_an_account_and_takes_it_back() {
    let world = World::start().await;
    let ann = join(&world, 1).await;
    let delete = async || {
        let post = ann.post(&world, routes::ACCOUNT_DELETE);
        with_json(post, &DeleteRequest::default())
            .send()
            .await
            .unwrap()
    };
    let deleted: DeleteReply = delete().await.json().await.unwrap();
    let profile: Value = ann
        .get(&world, routes::ACCOUNT)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(profile["removal_ms"], deleted.removal_ms);
    let cancel = ann
        .post(&world, routes::ACCOUNT_DELETE_CANCEL)
        .send()
        .await
        .unwrap();
    assert_eq!(cancel.status(), 204);
    let cancel = ann
        .post(&world, routes::ACCOUNT_DELETE_CANCEL)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(cancel).await.code, Code::NotFound);
}

async fn change(world: &World, admin: &Person, account: &str, change: Value) -> u16 {
    let path = format!("{}/{account}", routes::ADMIN_USERS);
    let sent = with_json(admin.post(world, &path), &change).send().await;
    sent.unwrap().status().as_u16()
}

/// The accounts, as an admin is told.
async fn users(world: &World, admin: &Person) -> Vec<User> {
    let got = admin.get(world, routes::ADMIN_USERS).send().await.unwrap();
    got.json::<UserList>().await.unwrap().users
}

async fn set_policy(world: &World, admin: &Person, registration: &str) {
    let post = admin.post(world, routes::ADMIN_POLICY);
    let set = with_json(post, &json!({"registration": registration}));
    assert_eq!(set.send().await.unwrap().status(), 204);
}

async fn changes_an_account(world: &World, admin: &Person, bob: &Person) {
    let id = bob.account.id().to_string();
    let suspend = json!({"change": "suspend"});
    assert_eq!(change(world, admin, &id, suspend).await, 204);
    assert!(users(world, admin).await[1].suspended_ms.is_some());
    let cut = bob.get(world, routes::SPACES).send().await.unwrap();
    assert_eq!(problem(cut).await.code, Code::AccountSuspended);
    let resume = json!({"change": "resume"});
    assert_eq!(change(world, admin, &id, resume.clone()).await, 204);
    let quota = json!({"change": "quota", "limit_bytes": 1000});
    assert_eq!(change(world, admin, &id, quota).await, 204);
    assert_eq!(users(world, admin).await[1].limit_bytes, Some(1000));
    let role = json!({"change": "role", "admin": true});
    assert_eq!(change(world, admin, &id, role).await, 204);
    let remove = json!({"change": "remove", "after_days": 3});
    assert_eq!(change(world, admin, &id, remove).await, 204);
    let view = users(world, admin).await.remove(1);
    assert!(view.admin && view.removal_ms.is_some());
    assert_eq!(change(world, admin, &"00".repeat(32), resume).await, 404);
    let unknown = json!({"change": "promote"});
    assert_eq!(change(world, admin, &id, unknown).await, 400);
}

/// Lets somebody in; the token of the invite.
async fn lets_somebody_in(world: &World, admin: &Person) -> Token {
    set_policy(world, admin, "closed").await;
    let invites = || admin.post(world, routes::ADMIN_INVITES);
    let closed = with_json(invites(), &json!({})).send().await.unwrap();
    assert_eq!(problem(closed).await.code, Code::RegistrationClosed);
    set_policy(world, admin, "invite").await;
    let got = admin.get(world, routes::ADMIN_POLICY).send().await.unwrap();
    let policy: Policy = got.json().await.unwrap();
    assert_eq!(policy.registration.to_string(), "invite");
    let bound = json!({"login": "person-3"});
    let invited = with_json(invites(), &bound).send().await.unwrap();
    let invited: Invited = invited.json().await.unwrap();
    let url: InviteUrl = invited.url.parse().unwrap();
    let other = Candidate::new(world, 4).await;
    let refused = register(world, &url.token, &other.request).await;
    assert_eq!(problem(refused).await.code, Code::Invalid);
    let cid = Candidate::new(world, 3).await;
    let done = register(world, &url.token, &cid.request).await;
    reply::<hythe_wire::account::RegisterReply>(done).await;
    url.token
}

#[tokio::test]
async fn an_account_with_the_role_governs_and_what_it_does_is_written_down() {
    let world = World::start().await;
    let admin = join(&world, 1).await;
    let bob = join(&world, 2).await;
    let refused = admin.get(&world, routes::ADMIN_USERS).send().await.unwrap();
    assert_eq!(problem(refused).await.code, Code::Forbidden);
    let files = world.server().files();
    let machine = hythe_server::files::Actor::Machine;
    files.set_role(machine, "person-1", true).await.unwrap();
    changes_an_account(&world, &admin, &bob).await;
    let token = lets_somebody_in(&world, &admin).await;

    let path = format!("{}?limit=9", routes::ADMIN_AUDIT);
    let got = admin.get(&world, &path).send().await.unwrap();
    let audit: Audit = got.json().await.unwrap();
    let short = |row: &AuditRow| (row.action.clone(), row.outcome.clone());
    let rows: Vec<(String, String)> = audit.entries.iter().map(short).collect();
    let expected = [
        ("resume", "done"),
        ("set-quota", "done"),
        ("set-role", "done"),
        ("remove", "done"),
        ("resume", "refused: there is no such account here"),
        ("set-policy", "done"),
        ("invite", "refused: the server takes no new accounts"),
        ("set-policy", "done"),
        ("invite", "done"),
    ];
    assert_eq!(rows, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let actor = format!("account {}", admin.account.id());
    assert!(audit.entries.iter().all(|row| row.actor == actor));
    let secret = token.to_hex();
    assert!(
        audit
            .entries
            .iter()
            .all(|row| !row.detail.contains(&secret))
    );
}
