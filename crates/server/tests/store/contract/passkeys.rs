//! Passkeys as second factors.

use ed25519_dalek::SigningKey;
use hythe_model::Secret32;
use hythe_server::files::{
    Appending, Denied, FilesError, LoggedIn, LoginDenied, LoginEnd, RelyingParty,
};
use hythe_space::Moment;
use hythe_space::account::operation::Slot;
use hythe_space::flow::{KeyholderSecret, set_keyholders};
use hythe_testkit::SoftPasskey;
use hythe_testkit::passkey::{Answer, Created, with_another_challenge};
use hythe_wire::account::PasswordUpload;
use hythe_wire::factor::{FactorProof, Passkey, PasskeyAssertion, PasskeyFinish, PasskeyRemove};
use hythe_wire::login::LoginFinishRequest;
use hythe_wire::opaque::{LoggingIn, Password, Registering};
use hythe_wire::{IdentityKey, Token};
use serde_json::Value;

use crate::person::{Person, bytes_of, client_now_ms};
use crate::world::World;

const ORIGIN: &str = "https://hythe.test";
const PASSWORD: &str = "a small haven";

pub fn party() -> RelyingParty {
    RelyingParty::at(&format!("{ORIGIN}/").parse().unwrap()).unwrap()
}

fn identity(world: &World) -> IdentityKey {
    let seed = world.files.identity_seed();
    let key = SigningKey::from_bytes(seed.expose()).verifying_key();
    IdentityKey(key.to_bytes())
}

fn proof_by(answer: Answer) -> FactorProof {
    FactorProof {
        passkey: Some(assertion(answer)),
        ..FactorProof::default()
    }
}

pub fn assertion(answer: Answer) -> PasskeyAssertion {
    PasskeyAssertion {
        id: answer.id,
        client_data: answer.client_data,
        authenticator_data: answer.authenticator_data,
        signature: answer.signature,
    }
}

fn named(name: &str, created: Created) -> PasskeyFinish {
    PasskeyFinish {
        name: name.into(),
        client_data: created.client_data,
        attestation: created.attestation,
        transports: vec!["usb".into(), "from the future".into()],
    }
}

#[track_caller]
fn denied<T>(result: Result<T, FilesError>, expected: LoginDenied) {
    match result {
        Err(FilesError::Denied(Denied::Login(found))) => assert_eq!(found, expected),
        Err(other) => panic!("{other}, not {expected}"),
        Ok(_) => panic!("let in, not {expected}"),
    }
}

#[track_caller]
fn invalid<T>(result: Result<T, FilesError>) {
    assert!(matches!(result, Err(FilesError::Invalid(_))));
}

/// Somebody with a password and a recovery code, who may have passkeys.
pub struct Holder {
    pub person: Person,
    login: &'static str,
    recovery: FactorProof,
}

impl Holder {
    pub async fn register(world: &World, login: &'static str) -> Self {
        let mut person = Person::register(world, login).await;
        let (client, request) = Registering::start(Password::new(PASSWORD)).unwrap();
        let begun = world.files.begin_password(&request).unwrap();
        let (upload, key) = client.finish(&begun.response, identity(world)).unwrap();
        let password = KeyholderSecret::of_password(&key.0);
        let recovery = KeyholderSecret::of_recovery(&person.entropy.bytes());
        let holders = [
            (Slot::Password, Some(&password)),
            (Slot::Recovery, Some(&recovery)),
        ];
        let set = set_keyholders(
            &person.account,
            &person.key,
            &person.keys,
            &holders,
            client_now_ms(),
            &mut person.entropy,
        );
        let set = set.unwrap();
        let token = Token(Secret32::new(recovery.token()));
        let hex = token.to_hex();
        let appending = Appending {
            change_set: bytes_of(&set),
            one_time: None,
            password: Some(PasswordUpload {
                credential: begun.credential.into(),
                upload: upload.into(),
            }),
            recovery: Some(token),
            proof: None,
        };
        let appended = world.files.append_account(&person.principal, appending);
        appended.await.unwrap();
        person.account.append(Moment::Replaying, &set).unwrap();
        Self {
            person,
            login,
            recovery: FactorProof {
                recovery: Some(hex),
                ..FactorProof::default()
            },
        }
    }

    /// What follows from the recovery code.
    pub fn recovery_token(&self) -> Token {
        self.recovery.recovery.as_deref().unwrap().parse().unwrap()
    }

    /// The other half of a login, ready to be sent.
    pub async fn knows_the_password(&self, world: &World) -> LoginFinishRequest {
        let (client, request) = LoggingIn::start(Password::new(PASSWORD)).unwrap();
        let begun = world.files.begin_login(self.login.into(), &request);
        let begun = begun.await.unwrap();
        let done = client.finish(&begun.response, identity(world)).unwrap();
        LoginFinishRequest {
            session: begun.session,
            finalization: done.finalization,
            code: None,
            passkey: None,
        }
    }

    /// Begins a login; what the passkey is asked.
    pub async fn asked(&self, world: &World) -> (LoginFinishRequest, Value) {
        let request = self.knows_the_password(world).await;
        match finish(world, request.clone()).await.unwrap() {
            LoginEnd::Asks {
                code: false,
                passkey: Some(options),
            } => (request, options),
            other => panic!("{other:?}"),
        }
    }

    /// What a browser is asked for a new passkey.
    async fn begin(&self, world: &World, proof: FactorProof) -> Result<Value, FilesError> {
        let party = party();
        let begun = world
            .files
            .begin_passkey(&self.person.principal, proof, Some(&party));
        begun.await
    }

    async fn finish(&self, world: &World, made: PasskeyFinish) -> Result<(), FilesError> {
        let party = party();
        let finished = world
            .files
            .finish_passkey(&self.person.principal, made, Some(&party));
        finished.await
    }

    /// Registers a passkey, with the recovery code where proof is needed.
    pub async fn add(&self, world: &World, name: &str) -> SoftPasskey {
        let options = self.begin(world, self.recovery.clone()).await.unwrap();
        let (passkey, created) = SoftPasskey::create(&options, ORIGIN);
        self.finish(world, named(name, created)).await.unwrap();
        passkey
    }

    /// Proof by a passkey.
    async fn proof(&self, world: &World, passkey: &mut SoftPasskey) -> FactorProof {
        let party = party();
        let asked = world
            .files
            .challenge_passkey(&self.person.principal, Some(&party));
        proof_by(passkey.answer(&asked.await.unwrap(), ORIGIN))
    }

    async fn remove(&self, world: &World, id: &[u8], proof: FactorProof) -> Result<(), FilesError> {
        let remove = PasskeyRemove {
            id: id.to_vec(),
            proof,
        };
        let party = party();
        let removed = world
            .files
            .remove_passkey(&self.person.principal, remove, Some(&party));
        removed.await
    }

    async fn list(&self, world: &World) -> Vec<Passkey> {
        let party = party();
        let listed = world.files.passkeys(&self.person.principal, Some(&party));
        listed.await.unwrap()
    }
}

async fn finish(world: &World, request: LoginFinishRequest) -> Result<LoginEnd, FilesError> {
    world.files.finish_login(request, Some(&party())).await
}

/// Finishes a login with what a passkey answered.
pub async fn answer(
    world: &World,
    request: &LoginFinishRequest,
    answer: Answer,
) -> Result<LoggedIn, FilesError> {
    let request = LoginFinishRequest {
        passkey: Some(assertion(answer)),
        ..request.clone()
    };
    match finish(world, request).await? {
        LoginEnd::In(done) => Ok(done),
        LoginEnd::Asks { .. } => panic!("asks again"),
    }
}

pub async fn r20_a_passkey_is_asked_for_after_the_password(world: World) {
    let ann = Holder::register(&world, "ann").await;
    let request = ann.knows_the_password(&world).await;
    let done = finish(&world, request).await.unwrap();
    assert!(matches!(done, LoginEnd::In(_)), "no factor yet");
    let mut key = ann.add(&world, "on a ring").await;

    let (request, options) = ann.asked(&world).await;
    assert_eq!(options["rpId"], "hythe.test");
    assert_eq!(options["userVerification"], "discouraged");
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let done = answer(&world, &request, key.answer(&options, ORIGIN)).await;
    assert_eq!(done.unwrap().account, ann.person.account.id());

    // Whoever does not know the password is not told that there is a passkey.
    let stranger = LoginFinishRequest {
        finalization: vec![7; request.finalization.len()],
        ..ann.knows_the_password(&world).await
    };
    denied(finish(&world, stranger).await, LoginDenied::Wrong);

    let listed = ann.list(&world).await;
    let [one] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!((one.name.as_str(), &one.id), ("on a ring", &key.id));
    assert!(one.usable && one.used_ms.is_some() && one.copied_ms.is_none());
    let profile = world.files.profile(&ann.person.principal).await.unwrap();
    assert_eq!((profile.second_factor, profile.passkeys), (false, 1));

    // Where the server is reached by another name now, it is kept, counts, and cannot be used.
    let elsewhere = RelyingParty::at(&"https://other.test/".parse().unwrap()).unwrap();
    for party in [Some(&elsewhere), None] {
        let request = ann.knows_the_password(&world).await;
        let ended = world.files.finish_login(request, party).await.unwrap();
        let nothing = LoginEnd::Asks {
            code: false,
            passkey: None,
        };
        assert_eq!(ended, nothing);
        let listed = world.files.passkeys(&ann.person.principal, party).await;
        assert!(!listed.unwrap()[0].usable);
    }
}

pub async fn r20_a_passkeys_answer_counts_once_and_where_it_was_asked_for(world: World) {
    let ann = Holder::register(&world, "ann").await;
    let bob = Holder::register(&world, "bob").await;
    let mut key = ann.add(&world, "key").await;
    let mut others = bob.add(&world, "key").await;

    let (request, options) = ann.asked(&world).await;
    let good = key.answer(&options, ORIGIN);
    let (one, two) = tokio::join!(
        answer(&world, &request, good.clone()),
        answer(&world, &request, good.clone()),
    );
    assert_ne!(one.is_ok(), two.is_ok(), "at once");
    denied(one.and(two), LoginDenied::Wrong);
    denied(answer(&world, &request, good).await, LoginDenied::Wrong);

    // An answer to the challenge of one login is none to that of another.
    let (first, options) = ann.asked(&world).await;
    let (second, _) = ann.asked(&world).await;
    let stolen = key.answer(&options, ORIGIN);
    denied(
        answer(&world, &second, stolen.clone()).await,
        LoginDenied::Wrong,
    );
    // The other login's is spent by that, this one's is not.
    answer(&world, &first, stolen).await.unwrap();

    let (request, options) = ann.asked(&world).await;
    let elsewhere = key.answer(&options, "https://hythe.test.evil.example");
    denied(
        answer(&world, &request, elsewhere).await,
        LoginDenied::Wrong,
    );
    // A challenge takes one answer, a good one after a wrong one as well.
    let late = key.answer(&options, ORIGIN);
    denied(answer(&world, &request, late).await, LoginDenied::Wrong);

    let (request, options) = ann.asked(&world).await;
    let other = key.answer(&with_another_challenge(&options), ORIGIN);
    denied(answer(&world, &request, other).await, LoginDenied::Wrong);

    let (request, options) = ann.asked(&world).await;
    let foreign = others.answer(&options, ORIGIN);
    denied(answer(&world, &request, foreign).await, LoginDenied::Wrong);

    let (request, options) = ann.asked(&world).await;
    let mut posing = others.clone();
    posing.id.clone_from(&key.id);
    let posed = posing.answer(&options, ORIGIN);
    denied(answer(&world, &request, posed).await, LoginDenied::Wrong);

    // What was asked for as proof is no login.
    let (request, _) = ann.asked(&world).await;
    let proof = ann.proof(&world, &mut key).await.passkey.unwrap();
    let request = LoginFinishRequest {
        passkey: Some(proof),
        ..request
    };
    denied(finish(&world, request).await, LoginDenied::Wrong);
}

pub async fn r20_a_copied_passkey_is_refused_and_its_owner_is_told(world: World) {
    let ann = Holder::register(&world, "ann").await;
    let mut key = ann.add(&world, "key").await;
    let mut copy = key.clone();
    let (request, options) = ann.asked(&world).await;
    let first = key.answer(&options, ORIGIN);
    answer(&world, &request, first).await.unwrap();

    // The copy counts from where it was made.
    let (request, options) = ann.asked(&world).await;
    let copied = copy.answer(&options, ORIGIN);
    denied(
        answer(&world, &request, copied).await,
        LoginDenied::PasskeyCopied,
    );
    assert!(ann.list(&world).await[0].copied_ms.is_some());

    // Of two that were asked at once, each answer counts further than the one before.
    let (early, first) = ann.asked(&world).await;
    let (late, second) = ann.asked(&world).await;
    let second = key.answer(&second, ORIGIN);
    let mut behind = key.clone();
    behind.count -= 1;
    let first = behind.answer(&first, ORIGIN);
    answer(&world, &late, second).await.unwrap();
    denied(
        answer(&world, &early, first).await,
        LoginDenied::PasskeyCopied,
    );

    // One that is synced does not count, and is taken again and again.
    let options = ann.begin(&world, ann.recovery.clone()).await.unwrap();
    let mut synced = SoftPasskey::uncounted();
    let created = synced.register(&options, ORIGIN);
    ann.finish(&world, named("synced", created)).await.unwrap();
    for _ in 0..2 {
        let (request, options) = ann.asked(&world).await;
        let said = synced.answer(&options, ORIGIN);
        answer(&world, &request, said).await.unwrap();
    }
}

pub async fn r20_a_passkey_is_registered_as_it_was_asked_for(world: World) {
    let ann = Holder::register(&world, "ann").await;
    let bob = Holder::register(&world, "bob").await;
    let first = || ann.begin(&world, FactorProof::default());

    let (_, created) = SoftPasskey::create(&first().await.unwrap(), "https://evil.example");
    invalid(ann.finish(&world, named("x", created)).await);
    let options = with_another_challenge(&first().await.unwrap());
    let (_, created) = SoftPasskey::create(&options, ORIGIN);
    invalid(ann.finish(&world, named("x", created)).await);
    // Of another device's question, or none.
    let (_, created) = SoftPasskey::create(&first().await.unwrap(), ORIGIN);
    invalid(bob.finish(&world, named("x", created)).await);
    let (_, created) = SoftPasskey::create(&first().await.unwrap(), ORIGIN);
    invalid(ann.finish(&world, named("a\nb", created)).await);
    assert!(ann.list(&world).await.is_empty());

    let options = first().await.unwrap();
    let (key, created) = SoftPasskey::create(&options, ORIGIN);
    ann.finish(&world, named("key", created.clone()))
        .await
        .unwrap();
    invalid(ann.finish(&world, named("key", created)).await);

    // It is asked for no second time, and nobody else can have it.
    let options = ann.begin(&world, ann.recovery.clone()).await.unwrap();
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    let options = bob.begin(&world, FactorProof::default()).await.unwrap();
    let mut posing = SoftPasskey::default();
    posing.id.clone_from(&key.id);
    let created = posing.register(&options, ORIGIN);
    invalid(bob.finish(&world, named("mine", created)).await);
    assert!(bob.list(&world).await.is_empty());

    // An assertion's question takes no new passkey.
    let party = party();
    let asked = world
        .files
        .challenge_passkey(&ann.person.principal, Some(&party));
    asked.await.unwrap();
    let (_, created) = SoftPasskey::create(&options, ORIGIN);
    invalid(ann.finish(&world, named("x", created)).await);

    let nowhere = world
        .files
        .begin_passkey(&bob.person.principal, FactorProof::default(), None);
    denied(nowhere.await, LoginDenied::NoPasskeys);
}

pub async fn r20_what_a_login_asks_for_changes_with_proof_only(world: World) {
    let mut ann = Holder::register(&world, "ann").await;
    let bob = Holder::register(&world, "bob").await;
    let nothing = FactorProof::default;
    // Begun while nothing had to be shown: void when something has.
    let early = ann.begin(&world, nothing()).await.unwrap();
    let second = Holder {
        person: ann.person.second_device(&world).await,
        login: ann.login,
        recovery: ann.recovery.clone(),
    };
    let mut key = second.add(&world, "key").await;
    let (_, created) = SoftPasskey::create(&early, ORIGIN);
    invalid(ann.finish(&world, named("early", created)).await);

    let (files, party) = (&world.files, party());
    let principal = &ann.person.principal;
    denied(ann.begin(&world, nothing()).await, LoginDenied::ProofNeeded);
    let totp = files.begin_totp(principal, nothing(), Some(&party)).await;
    denied(totp, LoginDenied::ProofNeeded);
    denied(
        ann.remove(&world, &key.id, nothing()).await,
        LoginDenied::ProofNeeded,
    );
    // Somebody else's passkey or recovery code proves nothing, nor does a code of no authenticator.
    let mut others = bob.add(&world, "key").await;
    let foreign = bob.proof(&world, &mut others).await;
    let code = FactorProof {
        code: Some("123456".into()),
        ..nothing()
    };
    for wrong in [foreign, bob.recovery.clone(), code] {
        denied(ann.remove(&world, &key.id, wrong).await, LoginDenied::Wrong);
    }
    // Nobody removes what is another's.
    let proof = bob.proof(&world, &mut others).await;
    bob.remove(&world, &key.id, proof).await.unwrap();
    assert_eq!(ann.list(&world).await.len(), 1);

    // A passkey is proof, each answer for one change.
    let proof = ann.proof(&world, &mut key).await;
    let options = ann.begin(&world, proof.clone()).await.unwrap();
    let (mut spare, created) = SoftPasskey::create(&options, ORIGIN);
    ann.finish(&world, named("spare", created)).await.unwrap();
    denied(ann.begin(&world, proof).await, LoginDenied::Wrong);
    let proof = ann.proof(&world, &mut key).await;
    files
        .begin_totp(principal, proof, Some(&party))
        .await
        .unwrap();

    let proof = ann.proof(&world, &mut key).await;
    ann.remove(&world, &spare.id, proof).await.unwrap();
    let (request, options) = ann.asked(&world).await;
    let gone = spare.answer(&options, ORIGIN);
    denied(answer(&world, &request, gone).await, LoginDenied::Wrong);
    // The last one is lost.
    ann.remove(&world, &key.id, ann.recovery.clone())
        .await
        .unwrap();
    let request = ann.knows_the_password(&world).await;
    let done = finish(&world, request).await.unwrap();
    assert!(matches!(done, LoginEnd::In(_)));
}
