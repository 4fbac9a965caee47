//! The HTTP endpoint for monitoring: `/metrics` and `/healthz`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};

use crate::health::Health;

/// The endpoint, bound to the requested address; `None` if no address was requested.
pub(crate) struct Endpoint(Option<Bound>);

struct Bound {
    listener: TcpListener,
    metrics: PrometheusHandle,
}

/// Concurrent requests: enough for a few scrapers and probes.
const MAX_CONNECTIONS: usize = 16;
/// The limit for one request; scrapers give up after ten seconds by default.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How often samples are moved into buckets between requests.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
/// The delay after a failed accept.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// Seconds: from an unnoticeable interruption to an outage of ten minutes.
const BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0, 180.0, 600.0];

impl Endpoint {
    /// Binds `address` and begins to count; without one, it does neither.
    pub(crate) async fn open(address: Option<SocketAddr>) -> Result<Self> {
        let Some(address) = address else { return Ok(Self(None)) };
        let problem = || {
            format!("--metrics cannot listen on {address}; choose a free port and an address of this machine")
        };
        let listener = TcpListener::bind(address).await.with_context(problem)?;
        let bound = listener.local_addr().with_context(problem)?;
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .context("metrics cannot be counted")?;
        tracing::info!("metrics are at http://{bound}/metrics, health is at http://{bound}/healthz");
        Ok(Self(Some(Bound { listener, metrics })))
    }

    /// Answers requests while it is polled.
    pub(crate) async fn serve(self, health: Health) {
        let Self(Some(Bound { listener, metrics })) = self else { return };
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut upkeep = interval(UPKEEP_INTERVAL);
        loop {
            let accepted = async {
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                accepted = accepted => accepted,
                _ = upkeep.tick() => {
                    metrics.run_upkeep();
                    continue;
                }
            };
            match accepted {
                Ok((stream, _)) => {
                    let answering = answer_one(stream, metrics.clone(), health.clone());
                    tokio::spawn(async move {
                        answering.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the metrics endpoint cannot accept connections");
                    sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }
}

/// Answers the one request of a connection.
async fn answer_one(stream: TcpStream, metrics: PrometheusHandle, health: Health) {
    let service = service_fn(|request: Request<_>| {
        let response = answer(&request, &metrics, &health);
        async { Ok::<_, Infallible>(response) }
    });
    // One request per connection, so that an idle client holds no permit.
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    match timeout(REQUEST_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "request not answered"),
        Err(_) => tracing::debug!("request took too long"),
    }
}

fn answer<B>(request: &Request<B>, metrics: &PrometheusHandle, health: &Health) -> Response<Full<Bytes>> {
    let is_known = ["/metrics", "/healthz"].contains(&request.uri().path());
    if is_known && ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "use GET\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => response(StatusCode::OK, PROMETHEUS, metrics.render()),
        "/healthz" => {
            let report = health.report();
            let status = if report.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            // Cannot fail: every key is a string, and no type has a custom serializer.
            response(status, JSON, serde_json::to_string(&report).unwrap_or_default() + "\n")
        }
        _ => response(StatusCode::NOT_FOUND, PLAIN, "not found; try /metrics or /healthz\n".to_owned()),
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

fn response(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;

    #[test]
    fn every_request_has_its_status() {
        for (method, path, status) in [
            (Method::GET, "/metrics", 200),
            (Method::HEAD, "/healthz?verbose", 200),
            (Method::POST, "/healthz", 405),
            (Method::GET, "/", 404),
        ] {
            let request = Request::builder().method(&method).uri(path).body(()).unwrap();
            let (_accepting, accepts) = watch::channel(());
            let metrics = PrometheusBuilder::new().build_recorder().handle();
            let response = answer(&request, &metrics, &Health::Server(accepts));
            assert_eq!(response.status(), status, "{method} {path}");
        }
    }
}
