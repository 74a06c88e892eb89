//! What lets the owner's devices in besides another device: a password and a recovery code.

use hythe_model::Secret32;
use hythe_server::files::Actor;
use hythe_space::account::operation::Slot;
use hythe_space::flow::{EXPORT_KEY_BYTES, KeyholderSecret, enrol_with_keyholder, set_keyholders};
use hythe_space::{ChangeSet, Moment};
use hythe_wire::account::{AppendReply, AppendRequest, PasswordUpload};
use hythe_wire::login::{
    LoginDone, LoginFinishRequest, LoginReply, LoginRequest, PasswordReply, PasswordRequest,
};
use hythe_wire::opaque::{ExportKey, LoggingIn, Password, Registering};
use hythe_wire::{Code, Token, headers, routes};

use super::cast::{Cast, Who};
use crate::person::{join, now_ms};
use crate::world::{World, cbor, problem, reply, shown};

/// The owner's login name.
const LOGIN: &str = "person-1";

fn password() -> Password {
    Password::new("a small haven on a river")
}

fn recovery() -> KeyholderSecret {
    KeyholderSecret::of_recovery(&[5; 20])
}

/// What the owner shows with the recovery code.
pub fn recovery_token() -> Token {
    Token(Secret32::new(recovery().token()))
}

impl Cast {
    async fn json<Q: serde::Serialize, A: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
    ) -> A {
        let post = self.world.client().post(self.world.url(path));
        let answer = post.json(request).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Gives the owner a password and a recovery code.
    pub async fn set_password(&mut self) {
        let (registering, request) = Registering::start(password()).unwrap();
        let begun: PasswordReply = self
            .json(routes::PASSWORD, &PasswordRequest { request })
            .await;
        let identity = self.world.server().identity();
        let (upload, export_key) = registering.finish(&begun.response, identity).unwrap();
        self.holder = Some(of_password(&export_key));
        let owner = &mut self.owner;
        let change_set = set_keyholders(
            &owner.account,
            &owner.key,
            &owner.keys,
            &[
                (Slot::Password, self.holder.as_ref()),
                (Slot::Recovery, Some(&recovery())),
            ],
            now_ms(),
            &mut owner.entropy,
        );
        let change_set = change_set.unwrap();
        let request = AppendRequest {
            change_set: change_set.encoded().to_vec().into(),
            one_time: None,
            password: Some(PasswordUpload {
                credential: begun.credential.into(),
                upload: upload.into(),
            }),
            recovery: Some(recovery_token()),
            proof: None,
        };
        let path = routes::account_log(owner.account.id());
        let post = cbor(owner.post(&self.world, &path), &request);
        let _: AppendReply = reply(post.send().await.unwrap()).await;
        let account = &mut owner.account;
        account.append(Moment::Replaying, &change_set).unwrap();
    }

    /// The token of a login with the owner's password; of a new one where it was used.
    pub async fn logged_in(&mut self) -> Token {
        if let Some(token) = &self.login {
            return token.clone();
        }
        let (login, request) = LoggingIn::start(password()).unwrap();
        let begin = LoginRequest {
            login: LOGIN.into(),
            request,
        };
        let begun: LoginReply = self.json(routes::LOGIN, &begin).await;
        let identity = self.world.server().identity();
        let logged_in = login.finish(&begun.response, identity).unwrap();
        let finish = LoginFinishRequest {
            session: begun.session,
            finalization: logged_in.finalization.clone(),
            code: None,
            passkey: None,
        };
        let done: LoginDone = self.json(routes::LOGIN_FINISH, &finish).await;
        assert_eq!(done.account, self.owner.account.id());
        self.login = Some(logged_in.token.clone());
        logged_in.token
    }

    /// Signs a device of the owner's in with the password or the recovery code.
    pub fn enrol_by_keyholder(&mut self, who: Who) -> ChangeSet {
        let secret = match who {
            Who::Login => self.holder.clone().unwrap(),
            _ => recovery(),
        };
        let owner = &mut self.owner;
        let enrolled = enrol_with_keyholder(&owner.account, &secret, now_ms(), &mut owner.entropy);
        enrolled.unwrap().change_set
    }
}

fn of_password(key: &ExportKey) -> KeyholderSecret {
    let bytes: &[u8; EXPORT_KEY_BYTES] = &key.0;
    KeyholderSecret::of_password(bytes)
}

#[tokio::test]
async fn d6_the_recovery_code_of_a_suspended_account_tells_nothing() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let set = set_keyholders(
        &person.account,
        &person.key,
        &person.keys,
        &[(Slot::Recovery, Some(&recovery()))],
        now_ms(),
        &mut person.entropy,
    );
    let request = AppendRequest {
        change_set: set.unwrap().encoded().to_vec().into(),
        one_time: None,
        password: None,
        recovery: Some(recovery_token()),
        proof: None,
    };
    let path = routes::account_log(person.account.id());
    let post = cbor(person.post(&world, &path), &request);
    let _: AppendReply = reply(post.send().await.unwrap()).await;
    let recover = async || {
        let post = world.client().post(world.url(routes::LOGIN_RECOVER));
        let post = shown(post, &recovery_token(), headers::ONE_TIME);
        post.send().await.unwrap()
    };
    assert_eq!(recover().await.status(), 200);
    let files = world.server().files();
    files.suspend(Actor::Machine, LOGIN).await.unwrap();
    let refused = problem(recover().await).await;
    assert_eq!(refused.code, Code::AccountSuspended);
    files.resume(Actor::Machine, LOGIN).await.unwrap();
    assert_eq!(recover().await.status(), 200);
}
