//! The one place where what went wrong becomes a status, a code and a sentence.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use hythe_wire::limits::MAX_NAMED_MISSING;
use hythe_wire::{Code, DecodeError, Problem, There, headers};

use crate::files::{Denied, FilesError, LoginDenied, Refused};

/// Why a request was not done.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Box<Problem>);

impl Failure {
    /// A problem with nothing more to say.
    pub(crate) fn new(code: Code) -> Self {
        Self(Box::new(Problem::new(code)))
    }

    /// A problem and what it was this time.
    pub(crate) fn detail(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(code).detail(detail)))
    }

    /// Too much at once: come back after this time.
    pub(crate) fn later(code: Code, after: std::time::Duration) -> Self {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1);
        Self(Box::new(Problem::new(code).retry_after_ms(millis)))
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLong { .. } => Self::detail(Code::TooLarge, error.to_string()),
            DecodeError::Malformed(ref cause) => {
                Self::detail(Code::Malformed, format!("{error}: {cause}"))
            }
            DecodeError::Trailing | DecodeError::NotCanonical => {
                Self::detail(Code::Malformed, error.to_string())
            }
        }
    }
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        let code = match &error {
            FilesError::Denied(denied) => return (*denied).into(),
            FilesError::NotFound(_) => Code::NotFound,
            FilesError::Invalid(_) => Code::Invalid,
            FilesError::Refused(Refused::LoginTaken) => Code::LoginTaken,
            FilesError::Refused(Refused::TooOften(wait)) => {
                return Self::later(Code::RateLimited, *wait);
            }
            FilesError::Refused(Refused::LastOwner(_)) => Code::LastOwner,
            FilesError::Refused(Refused::Quota(_)) => Code::QuotaExceeded,
            FilesError::Refused(Refused::LinkEnded) => Code::LinkEnded,
            FilesError::Refused(_) => Code::Conflict,
            FilesError::ChunksMissing(_) => Code::ChunksMissing,
            FilesError::Diverged { .. } => Code::Fork,
            FilesError::Full => Code::StorageFull,
            FilesError::Storage(cause) => {
                tracing::error!(error = &**cause as &dyn std::error::Error, "storage failed");
                Code::Unavailable
            }
        };
        let mut problem = Problem::new(code).detail(error.to_string());
        problem.there = error.there();
        if let Some(There::Chunks { ids }) = &mut problem.there {
            ids.truncate(MAX_NAMED_MISSING);
        }
        Self(Box::new(problem))
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::new(match denied {
            Denied::TokenUnknown => Code::Unauthenticated,
            Denied::TokenSpent => Code::TokenSpent,
            Denied::DeviceRemoved => Code::DeviceRemoved,
            Denied::Suspended => Code::AccountSuspended,
            Denied::RegistrationClosed => Code::RegistrationClosed,
            // Whoever is no member may not learn that the space exists.
            Denied::NotAMember => Code::NotFound,
            Denied::Role => Code::Forbidden,
            Denied::Login(LoginDenied::Wrong) => Code::LoginWrong,
            Denied::Login(LoginDenied::ProofNeeded) => Code::ProofNeeded,
            Denied::Login(LoginDenied::PasskeyCopied) => Code::PasskeyCopied,
            Denied::Login(LoginDenied::NoPasskeys) => Code::NoPasskeys,
        })
    }
}

impl IntoResponse for Failure {
    /// Only carries the problem; [`render`] writes it once the request's id is known.
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the problem that a response carries, if it does, with the request's id in it.
pub(crate) fn render(mut response: Response, request_id: &str) -> Response {
    let Some(Failure(mut problem)) = response.extensions_mut().remove::<Failure>() else {
        return response;
    };
    problem.instance = Some(request_id.to_owned());
    let retry = problem.retry_after_ms.map(|millis| millis.div_ceil(1000));
    let mut rendered = (response.status(), Json(*problem)).into_response();
    let problem_type = HeaderValue::from_static(headers::PROBLEM);
    rendered
        .headers_mut()
        .insert(header::CONTENT_TYPE, problem_type);
    if let Some(seconds) = retry {
        rendered
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if rendered.status() == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static(headers::BEARER);
        rendered
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    // What the layers below set (Allow, for one) stays.
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered
}
