//! Registration, devices, enrolment.

use hythe_server::files::Actor;
use hythe_space::flow::{
    OfferSecret, add_device_offer, enrol_with_offer, remove_device, wipe_device,
};
use hythe_space::{AccountState, ChangeSet};
use hythe_wire::account::{EnrolReply, EnrolRequest, RegisterReply, RegisterRequest};
use hythe_wire::device::{DeviceFolder, DeviceList, DevicePatch};
use hythe_wire::farewell::Farewell;
use hythe_wire::server::RegistrationPolicy;
use hythe_wire::space::{RoleName, SpaceList};
use hythe_wire::{Code, Message, Token, headers, routes};

use crate::person::{Candidate, info, invite, join, now_ms, read_account, register};
use crate::world::{World, cbor, problem, reply, shown};
use hythe_model::Secret32;

#[tokio::test]
async fn an_invite_makes_one_account_and_c6_its_repetition_the_same() {
    let world = World::start().await;
    let invite = invite(world.server()).await;
    let first = Candidate::new(&world, 1).await;
    let once: RegisterReply = reply(register(&world, &invite.token, &first.request).await).await;
    let again: RegisterReply = reply(register(&world, &invite.token, &first.request).await).await;
    assert_eq!(once, again);

    let second = Candidate::new(&world, 2).await;
    let refused = problem(register(&world, &invite.token, &second.request).await).await;
    assert_eq!((refused.code, refused.status), (Code::TokenSpent, 401));
}

#[tokio::test]
async fn the_invite_url_names_the_server_and_keeps_its_secret_in_the_fragment() {
    let world = World::start().await;
    let made = invite(world.server()).await;
    assert_eq!(made.identity, world.server().identity());
    let text = made.to_string();
    let (address, fragment) = text.split_once('#').unwrap();
    assert_eq!(address, world.server().url().as_str());
    assert!(fragment.starts_with("i="));
    assert!(text.parse::<hythe_wire::invite::InviteUrl>().unwrap() == made);
}

#[tokio::test]
async fn r1_a_wrong_or_missing_token_is_refused() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let client = world.client();
    for (token, scheme) in [
        (Token(Secret32::new([0; 32])), headers::BEARER),
        (Token(Secret32::new([9; 32])), headers::BEARER),
        (person.token.clone(), headers::INVITE),
        (person.token.clone(), "Basic"),
    ] {
        let get = shown(client.get(world.url(routes::SPACES)), &token, scheme);
        let refused = problem(get.send().await.unwrap()).await;
        assert_eq!(refused.code, Code::Unauthenticated, "{scheme}");
    }
    let bare = client.get(world.url(routes::SPACES)).send().await.unwrap();
    assert_eq!(bare.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(bare).await.code, Code::Unauthenticated);

    let invented = Candidate::new(&world, 3).await;
    let refused = register(&world, &Token(Secret32::new([3; 32])), &invented.request).await;
    assert_eq!(problem(refused).await.code, Code::Unauthenticated);
}

#[tokio::test]
async fn a_device_sees_its_spaces_and_what_is_known_of_it() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let spaces: SpaceList = person
        .get(&world, routes::SPACES)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let [space] = spaces.spaces.as_slice() else {
        panic!("one space")
    };
    assert_eq!((space.id, space.role), (person.space, RoleName::Owner));
    assert!(space.personal && space.open);
    assert_eq!(space.head(), person.view.head());

    let folder = DeviceFolder {
        path: "/home/p/Hythe".into(),
        space: person.space,
    };
    let patch = DevicePatch {
        name: Some("laptop".into()),
        folders: Some(vec![folder.clone()]),
    };
    let patched = person.ask(world.client().patch(world.url(routes::DEVICES_SELF)));
    assert_eq!(patched.json(&patch).send().await.unwrap().status(), 204);

    let list: DeviceList = person
        .get(&world, routes::DEVICES)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let [device] = list.devices.as_slice() else {
        panic!("one device")
    };
    assert_eq!(device.id, person.key.device_id());
    assert_eq!(
        (device.name.as_str(), device.platform.as_str()),
        ("laptop", "linux")
    );
    assert_eq!(device.address.as_deref(), Some("127.0.0.1"));
    assert!(device.port.is_some() && device.last_seen_ms.is_some() && device.current);
    assert_eq!(device.folders, vec![folder]);
}

#[tokio::test]
async fn a_second_device_enrols_with_a_one_time_token_and_only_once() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let mut entropy = hythe_space::Entropy::from_seed(&[50; 32]);
    let offer = add_device_offer(
        &person.account,
        &person.key,
        &person.keys,
        now_ms(),
        &mut entropy,
    )
    .unwrap();
    let one_time = Token(Secret32::new(offer.secret.token()));
    person
        .append(&world, &offer.change_set, Some(one_time.clone()))
        .await;

    let log = world
        .client()
        .get(world.url(&routes::account_log(person.account.id())));
    let log = shown(log, &one_time, headers::ONE_TIME)
        .send()
        .await
        .unwrap();
    let account = read_account(log).await;
    let secret = OfferSecret::new(offer.secret.secret().clone());
    let enrolled = enrol_with_offer(&account, &secret, now_ms(), &mut entropy).unwrap();
    let token = Token(entropy.secret());
    let request = EnrolRequest {
        device: info(),
        token: token.clone(),
        change_set: enrolled.change_set.encoded().to_vec().into(),
    };
    let post = || {
        let post = world.client().post(world.url(routes::DEVICES_ENROL));
        cbor(shown(post, &one_time, headers::ONE_TIME), &request).send()
    };
    let done: EnrolReply = reply(post().await.unwrap()).await;
    assert_eq!(
        (done.account, done.device),
        (person.account.id(), enrolled.key.device_id())
    );
    let again: EnrolReply = reply(post().await.unwrap()).await;
    assert_eq!(done, again);

    let spaces = shown(
        world.client().get(world.url(routes::SPACES)),
        &token,
        headers::BEARER,
    );
    assert_eq!(spaces.send().await.unwrap().status(), 200);

    let late = enrol_with_offer(&account, &secret, now_ms(), &mut entropy).unwrap();
    let other = EnrolRequest {
        device: info(),
        token: Token(entropy.secret()),
        change_set: late.change_set.encoded().to_vec().into(),
    };
    let post = world.client().post(world.url(routes::DEVICES_ENROL));
    let late = cbor(shown(post, &one_time, headers::ONE_TIME), &other)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(late).await.code, Code::TokenSpent);
}

#[tokio::test]
async fn d6_an_account_log_is_read_by_those_who_may() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let stranger = join(&world, 2).await;
    let path = routes::account_log(person.account.id());
    let read = read_account(person.get(&world, &path).send().await.unwrap()).await;
    assert_eq!(read.head(), person.account.head());
    let known = read_account(stranger.get(&world, &path).send().await.unwrap()).await;
    assert_eq!(known.head(), person.account.head());
    let guessed = routes::account_log(hythe_model::AccountId([9; 32]));
    let refused = problem(stranger.get(&world, &guessed).send().await.unwrap()).await;
    assert_eq!(refused.code, Code::NotFound);
    let bare = world.client().get(world.url(&path)).send().await.unwrap();
    assert_eq!(problem(bare).await.code, Code::Unauthenticated);
    let foreign = hythe_wire::account::AppendRequest {
        change_set: vec![1, 2, 3].into(),
        one_time: None,
        password: None,
        recovery: None,
        proof: None,
    };
    let post = cbor(stranger.post(&world, &path), &foreign)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(post).await.code, Code::Forbidden);
}

#[tokio::test]
async fn a_removed_device_is_told_so() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let (second, token) = second_device(&world, &mut person).await;
    let removal = remove_device(
        &person.account,
        &person.key,
        &person.keys,
        second,
        now_ms(),
        &mut person.entropy,
    );
    person.append(&world, &removal.unwrap(), None).await;
    let get = shown(
        world.client().get(world.url(routes::SPACES)),
        &token,
        headers::BEARER,
    );
    let refused = problem(get.send().await.unwrap()).await;
    assert_eq!(refused.code, Code::DeviceRemoved);
}

/// What a device is told last, asked with a token.
async fn farewell(world: &World, token: &Token) -> reqwest::Response {
    let get = world.client().get(world.url(routes::DEVICES_FAREWELL));
    shown(get, token, headers::BEARER).send().await.unwrap()
}

#[tokio::test]
async fn a_removed_device_is_told_what_its_account_asks_and_no_other_is() {
    let world = World::start().await;
    let (mut asking, mut plain) = (join(&world, 1).await, join(&world, 2).await);
    let (asked, token) = second_device(&world, &mut asking).await;
    let (spared, other) = second_device(&world, &mut plain).await;
    let nothing = farewell(&world, &token).await;
    assert_eq!(problem(nothing).await.code, Code::NotFound);
    let now = now_ms();
    let (key, keys) = (&asking.key, &asking.keys);
    let wipe = wipe_device(&asking.account, key, keys, asked, now, &mut asking.entropy);
    asking.append(&world, &wipe.unwrap(), None).await;
    let (key, keys) = (&plain.key, &plain.keys);
    let removal = remove_device(&plain.account, key, keys, spared, now, &mut plain.entropy);
    plain.append(&world, &removal.unwrap(), None).await;

    let told = farewell(&world, &token).await;
    assert_eq!(told.status(), 200);
    let told = Farewell::from_cbor(&told.bytes().await.unwrap()).unwrap();
    let log = told.log.iter().map(|one| ChangeSet::decode(one).unwrap());
    let state = AccountState::replay(&log.collect::<Vec<_>>()).unwrap();
    assert_eq!(state.id(), asking.account.id());
    assert!(!state.is_active(asked));

    for (token, code) in [
        (other, Code::NotFound),
        (asking.token.clone(), Code::NotFound),
        (Token(Secret32::new([9; 32])), Code::Unauthenticated),
    ] {
        assert_eq!(problem(farewell(&world, &token).await).await.code, code);
    }
}

/// Enrols one more device and gives its id and token.
pub async fn second_device(
    world: &World,
    person: &mut crate::person::Person,
) -> (hythe_model::DeviceId, Token) {
    let offer = add_device_offer(
        &person.account,
        &person.key,
        &person.keys,
        now_ms(),
        &mut person.entropy,
    );
    let offer = offer.unwrap();
    let one_time = Token(Secret32::new(offer.secret.token()));
    person
        .append(world, &offer.change_set, Some(one_time))
        .await;
    take_up(world, person, &offer.secret).await
}

/// A device that comes in by an offer; with its token.
pub async fn take_up(
    world: &World,
    person: &mut crate::person::Person,
    secret: &OfferSecret,
) -> (hythe_model::DeviceId, Token) {
    let one_time = Token(Secret32::new(secret.token()));
    let enrolled =
        enrol_with_offer(&person.account, secret, now_ms(), &mut person.entropy).unwrap();
    let token = Token(person.entropy.secret());
    let request = EnrolRequest {
        device: info(),
        token: token.clone(),
        change_set: enrolled.change_set.encoded().to_vec().into(),
    };
    let post = world.client().post(world.url(routes::DEVICES_ENROL));
    let post = cbor(shown(post, &one_time, headers::ONE_TIME), &request);
    let _: EnrolReply = reply(post.send().await.unwrap()).await;
    person
        .account
        .append(hythe_space::Moment::Replaying, &enrolled.change_set)
        .unwrap();
    (enrolled.key.device_id(), token)
}

#[tokio::test]
async fn where_registration_is_open_no_invite_is_needed() {
    let world = World::with(|config| config.limits.rates.registrations_per_hour = 1).await;
    let policy = || async {
        let answer = world.client().get(world.url(routes::SERVER)).send().await;
        let info: hythe_wire::server::ServerInfo = answer.unwrap().json().await.unwrap();
        info.registration.unwrap()
    };
    let uninvited = |request: &RegisterRequest| {
        let post = world.client().post(world.url(routes::ACCOUNTS));
        cbor(post, request).send()
    };
    let first = Candidate::new(&world, 1).await;
    assert_eq!(policy().await, RegistrationPolicy::Invite);
    let refused = problem(uninvited(&first.request).await.unwrap()).await;
    assert_eq!((refused.code, refused.status), (Code::Unauthenticated, 401));

    let files = world.server().files();
    files
        .set_policy(Actor::Machine, RegistrationPolicy::Open)
        .await
        .unwrap();
    assert_eq!(policy().await, RegistrationPolicy::Open);
    reply::<RegisterReply>(uninvited(&first.request).await.unwrap()).await;
    // Nobody makes accounts without end.
    let second = Candidate::new(&world, 2).await;
    let slow = problem(uninvited(&second.request).await.unwrap()).await;
    assert_eq!(slow.code, Code::RateLimited);
    assert!(slow.retry_after_ms.is_some());

    files
        .set_policy(Actor::Machine, RegistrationPolicy::Closed)
        .await
        .unwrap();
    assert_eq!(policy().await, RegistrationPolicy::Closed);
    let nobody = Token(hythe_model::Secret32::new([1; 32]));
    let unknown = problem(register(&world, &nobody, &second.request).await).await;
    assert_eq!(unknown.code, Code::Unauthenticated);
}
