//! Who may do what (R3): every route and method, asked by every kind of principal, over HTTP. What
//! is to be answered stands in `docs/authorisation.md`, and nowhere else.
//!
//! Whoever adds a route adds its row there, and its request in `asks.rs`.

mod asks;
mod cast;
mod links;
mod logins;
mod pages;
mod sources;
mod table;

use std::collections::BTreeSet;

use hythe_model::SpaceId;
use hythe_wire::{Problem, headers};

use asks::{Ask, Body, Look};
use cast::{Cast, Who};
use table::Row;

/// What a cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    mark: String,
    problem: Option<Problem>,
}

impl Cast {
    /// Asks as somebody, and folds what was accepted.
    async fn answer(&mut self, who: Who, row: &Row) -> Outcome {
        let ask = self.ask(who, row).await;
        let request = self.request(who, &ask).await;
        let outcome = look(request.send().await.unwrap(), &ask.look).await;
        if matches!(outcome.mark.as_str(), "ok" | "own") {
            self.settle(who, ask.then);
        }
        outcome
    }
}

/// What an answer amounts to.
async fn look(answer: reqwest::Response, look: &Look) -> Outcome {
    let status = answer.status();
    // R9: nothing that belongs to somebody is kept by whoever is in between.
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    if !status.is_success() {
        let mut problem = crate::world::problem(answer).await;
        problem.instance = None;
        return Outcome {
            mark: mark(&problem),
            problem: Some(problem),
        };
    }
    let done = match look {
        Look::Done => true,
        Look::Holds(object) => asks::holds(&answer.bytes().await.unwrap(), object),
        Look::Tells(space) => asks::tells(answer, *space).await,
    };
    Outcome {
        mark: if done { "ok" } else { "own" }.to_owned(),
        problem: None,
    }
}

/// The word of the table for a problem.
fn mark(problem: &Problem) -> String {
    use hythe_wire::Code;
    match problem.code {
        Code::DeviceRemoved => "removed".to_owned(),
        Code::TokenSpent => "spent".to_owned(),
        Code::AccountSuspended => "suspended".to_owned(),
        Code::Unauthenticated | Code::Forbidden | Code::NotFound => problem.status.to_string(),
        code => code.as_str().to_owned(),
    }
}

#[tokio::test]
async fn r3_every_route_answers_every_principal_as_the_table_says() {
    let mut cast = Cast::assemble().await;
    let mut wrong = Vec::new();
    for row in table::rows() {
        for who in Who::ALL {
            let expected = row.expected(*who);
            let found = cast.answer(*who, &row).await.mark;
            if found != expected {
                wrong.push(format!(
                    "{} by {}: {found}, not {expected}",
                    row.label(),
                    who.name()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // What was refused changed nothing.
    assert_eq!(cast.head_on_server().await, cast.view.head());
}

#[test]
fn r3_every_route_and_method_has_a_row_and_every_row_a_route() {
    let document = serde_json::to_value(hythe_server::document()).unwrap();
    let mut documented = BTreeSet::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            documented.insert((method.to_uppercase(), template.clone()));
        }
    }
    let rows = table::rows();
    let listed: BTreeSet<_> = rows
        .iter()
        .map(|row| (row.method.clone(), row.template.clone()))
        .collect();
    let lacking: Vec<_> = documented.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&documented).collect();
    assert!(
        lacking.is_empty(),
        "no row in docs/authorisation.md: {lacking:?}"
    );
    assert!(idle.is_empty(), "rows without a route: {idle:?}");
    let labels: BTreeSet<_> = rows.iter().map(Row::label).collect();
    assert_eq!(labels.len(), rows.len(), "a row stands there twice");
}

#[tokio::test]
async fn d6_who_may_not_know_a_space_cannot_tell_it_from_none() {
    let mut cast = Cast::assemble().await;
    let none = SpaceId([0xab; 32]);
    // Whoever can name the key of a link may know of it: these cannot.
    cast.offered = hythe_model::DeviceId([0xcd; 32]);
    for row in table::rows() {
        if !row.template.contains("{space}") {
            continue;
        }
        for who in [Who::Former, Who::Stranger, Who::Admin] {
            let ask = cast.ask(who, &row).await;
            let elsewhere = Ask {
                path: ask.path.replace(&cast.space.to_string(), &none.to_string()),
                ..ask.clone()
            };
            let there = cast.request(who, &ask).await.send().await.unwrap();
            let there = look(there, &ask.look).await;
            let nowhere = cast.request(who, &elsewhere).await.send().await.unwrap();
            let nowhere = look(nowhere, &ask.look).await;
            // A change set or checkpoint names its space itself, so it does not fit elsewhere.
            if matches!(&ask.body, Body::Signed(_)) {
                assert_eq!(there.mark, "404", "{} by {}", row.label(), who.name());
            } else {
                assert_eq!(there, nowhere, "{} by {}", row.label(), who.name());
            }
        }
    }
}

/// The pages of the web app are not of the API: whatever is asked for there, by whom ever, a browser is
/// given nothing that it runs, frames or guesses the type of. What people put there is looked at in
/// `web::a_file_is_read_whole_and_in_ranges_and_never_runs`.
#[tokio::test]
async fn a28_r11_nothing_that_is_served_runs_in_a_browser() {
    const DATA: [&str; 6] = [
        headers::JSON,
        headers::NDJSON,
        headers::PROBLEM,
        headers::CBOR,
        headers::CBOR_SEQUENCE,
        "text/plain; charset=utf-8",
    ];
    let mut cast = Cast::assemble().await;
    for row in table::rows() {
        for who in [Who::Anonymous, Who::Owner] {
            let ask = cast.ask(who, &row).await;
            let answer = cast.request(who, &ask).await.send().await.unwrap();
            let label = format!("{} by {}", row.label(), who.name());
            let head = answer.headers();
            if let Some(kind) = head.get("content-type") {
                let kind = kind.to_str().unwrap();
                assert!(DATA.contains(&kind), "{label}: {kind}");
            }
            let policy = "default-src 'none'; frame-ancestors 'none'";
            assert_eq!(head["content-security-policy"], policy, "{label}");
            assert_eq!(head["x-content-type-options"], "nosniff", "{label}");
            assert_eq!(head["referrer-policy"], "no-referrer", "{label}");
            let status = answer.status();
            if status.is_success() {
                cast.settle(who, ask.then);
            }
        }
    }
}
