//! The OpenAPI document and the router say the same.

use std::collections::BTreeSet;

use hythe_wire::routes;

use crate::world::World;

/// The methods a path item may have.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A template with ids in place of its parameters.
fn filled(template: &str) -> String {
    template
        .replace("{space}", &"0".repeat(64))
        .replace("{account}", &"0".repeat(64))
        .replace("{node}", &"0".repeat(32))
}

#[tokio::test]
async fn every_route_is_in_the_document_and_every_path_of_it_is_routed() {
    let world = World::start().await;
    let answer = world
        .client()
        .get(world.url(routes::OPENAPI))
        .send()
        .await
        .unwrap();
    let document: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(
        document,
        serde_json::to_value(hythe_server::document()).unwrap()
    );
    assert_eq!(document["openapi"], "3.1.0");

    let paths = document["paths"].as_object().unwrap();
    let documented: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    assert_eq!(documented, routes::ALL.iter().copied().collect());

    for (template, item) in paths {
        for method in METHODS {
            let url = world.url(&filled(template));
            let method_name = method.to_uppercase().parse().unwrap();
            let status = world
                .client()
                .request(method_name, url)
                .send()
                .await
                .unwrap()
                .status();
            let routed = status != 405 && !(status == 404 && template != routes::IDENTITY);
            assert_eq!(
                routed,
                item.get(method).is_some(),
                "{method} {template}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_operation_says_who_may_call_it_and_what_a_problem_looks_like() {
    let document = serde_json::to_value(hythe_server::document()).unwrap();
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let problem = &operation["responses"]["default"]["content"];
            let schema = &problem["application/problem+json"]["schema"]["$ref"];
            assert_eq!(
                schema, "#/components/schemas/Problem",
                "{method} {template}"
            );
            let security = operation["security"].as_array();
            let security = security.unwrap_or_else(|| panic!("{method} {template}: no security"));
            for scheme in security
                .iter()
                .flat_map(|one| one.as_object().unwrap().keys())
            {
                assert!(schemes.contains_key(scheme), "{scheme}");
            }
        }
    }
}

#[tokio::test]
async fn r3_every_documented_route_that_needs_a_device_refuses_everybody_else() {
    let world = World::start().await;
    let document = serde_json::to_value(hythe_server::document()).unwrap();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let open = operation["security"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one.as_object().unwrap().is_empty());
            let url = world.url(&filled(template));
            let is_post = method == "post";
            let method = method.to_uppercase().parse().unwrap();
            let status = world
                .client()
                .request(method, url)
                .send()
                .await
                .unwrap()
                .status();
            if !open || template == routes::ACCOUNT_LOG {
                assert_eq!(status, 401, "{template}");
            } else {
                // Open to everybody, but not without what the route takes.
                let fits = if is_post { 415 } else { 200 };
                assert_eq!(status, fits, "{template}");
            }
        }
    }
}
