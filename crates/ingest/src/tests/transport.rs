//! Connections: chunks, spaces, slowness, silence, the end.

use std::time::Duration;

use telemetry::{Answerer, Ask, Cancel, Limits as AskLimits, Question, QuestionId, TraceId, UnixNanos};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::rig::{Answer, Rig, export, span, traces_head};
use crate::Limits;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_chunked_body_is_taken_and_its_size_is_limited_all_the_same() {
    let limits = Limits { wire_bytes_max: 1_000, ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let body = export(vec![span(1)]);
    for (chunks, expected) in [(vec![body.clone()], 200), (vec![vec![0; 600]; 3], 413)] {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        let head = traces_head("\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        for chunk in chunks {
            let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), &chunk, b"\r\n"].concat();
            stream.write_all(&framed).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        assert_eq!(Answer::read(&mut stream).await.status, expected);
    }
    assert_eq!(rig.store.stats().accepted, 1);
}

#[tokio::test]
async fn the_space_of_the_header_receives_the_request() {
    let rig = Rig::new().await;
    let answer = rig.send(&traces_head("\r\nx-firstcause-space: staging"), &export(vec![span(3)])).await;
    assert_eq!(answer.status, 200);
    let has = |space: &str| {
        let question = Question {
            id: QuestionId::numbered(1),
            space: space.parse().unwrap(),
            ask: Ask::Trace { trace_id: TraceId([3; 16]) },
            not_before: UnixNanos(0),
        };
        let answer = rig.store.answer(&question, &AskLimits::default(), &Cancel::default());
        !answer.unwrap().table.is_empty()
    };
    assert_eq!((has("staging"), has("default")), (true, false));
}

#[tokio::test]
async fn a_slow_body_is_408_and_a_slow_head_is_cut() {
    let limits = Limits {
        body_timeout: Duration::from_millis(200),
        header_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let rig = Rig::with(limits, |_| {}).await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let head = traces_head("\r\nhost: x\r\ncontent-length: 50\r\n\r\n12345");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = timeout(SOON, Answer::read(&mut stream)).await.unwrap();
    assert_eq!((answer.status, answer.has("connection: close")), (408, true));
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    stream.write_all(b"POST /v1/tra").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(SOON, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty());
}

#[tokio::test]
async fn a_kept_connection_outlives_silence_longer_than_the_header_timeout() {
    let limits = Limits { header_timeout: Duration::from_millis(100), ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let head = traces_head("\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    for _ in 0..2 {
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut bytes = [0; 512];
        let read = timeout(SOON, stream.read(&mut bytes)).await.unwrap().unwrap();
        assert!(bytes[..read].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let first = TcpStream::connect(rig.address).await.unwrap();
    let mut second = TcpStream::connect(rig.address).await.unwrap();
    let head = traces_head("\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    second.write_all(head.as_bytes()).await.unwrap();
    let mut byte = [0; 1];
    let waiting = timeout(Duration::from_millis(200), second.read(&mut byte)).await;
    assert!(waiting.is_err(), "answered while another connection held the only place");
    drop(first);
    assert_eq!(timeout(SOON, second.read(&mut byte)).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_shutdown_lets_the_request_under_way_finish_and_takes_no_more() {
    let rig = Rig::new().await;
    let (address, store) = (rig.address, rig.store.clone());
    let body = export(vec![span(1)]);
    let mut busy = TcpStream::connect(address).await.unwrap();
    let idle = TcpStream::connect(address).await.unwrap();
    let head = traces_head(&format!("\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len()));
    busy.write_all(head.as_bytes()).await.unwrap();
    busy.write_all(&body[..5]).await.unwrap();
    // Long enough for the head to be read.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let serving = rig.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err(), "the listener is still open");
    busy.write_all(&body[5..]).await.unwrap();
    assert_eq!(Answer::read(&mut busy).await.status, 200);
    drop(idle);
    assert!(timeout(SOON, serving).await.unwrap().unwrap().is_ok());
    assert_eq!(store.stats().accepted, 1);
}

#[tokio::test]
async fn connections_that_do_not_finish_are_cut_and_told() {
    let limits = Limits { drain_timeout: Duration::from_millis(100), ..Limits::default() };
    let rig = Rig::with(limits, |_| {}).await;
    let mut busy = TcpStream::connect(rig.address).await.unwrap();
    let head = traces_head("\r\nhost: x\r\ncontent-length: 9\r\n\r\n1");
    busy.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ended = timeout(SOON, rig.stop()).await.unwrap().unwrap();
    assert_eq!(ended.unwrap_err().to_string(), "1 connections did not finish in time and were cut");
}
