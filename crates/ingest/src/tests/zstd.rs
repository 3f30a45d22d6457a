//! Bodies in zstd: what the official program writes, what is broken, what is a bomb.

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::rig::{Rig, export, span, traces_head};
use crate::Limits;
use crate::body::{Decoder, Encoding};
use crate::reply::Problem;
use otlp::Budget;

fn read(wire: &[u8], budget: &Budget, limits: &Limits) -> Result<Vec<u8>, Problem> {
    let mut decoder = Decoder::new(Encoding::Zstd, limits, budget);
    for chunk in wire.chunks(7) {
        decoder.take(chunk)?;
    }
    decoder.finish().map(|read| read.bytes.to_vec())
}

/// `zstd --check` 1.5 over `hello zstd hello zstd hello zstd`.
const BY_PROGRAM: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x8d, 0x00, 0x00, 0x58, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x7a,
    0x73, 0x74, 0x64, 0x20, 0x01, 0x00, 0xfe, 0x8a, 0x17, 0x0a, 0x03, 0x22, 0x8e,
];

#[test]
fn frames_of_the_official_program_are_read_and_skippable_ones_passed_over() {
    let (budget, limits) = (Budget::new(64 << 20), Limits::default());
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let wire = [BY_PROGRAM, &skippable, BY_PROGRAM].concat();
    let text = "hello zstd hello zstd hello zstd";
    assert_eq!(read(&wire, &budget, &limits).unwrap(), [text, text].concat().into_bytes());
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn every_cut_and_every_flipped_byte_is_an_error_or_a_body_and_never_a_panic() {
    let (budget, limits) = (Budget::new(64 << 20), Limits::default());
    for end in 1..BY_PROGRAM.len() {
        let got = read(&BY_PROGRAM[..end], &budget, &limits);
        assert!(matches!(got, Err(Problem::Malformed(_))), "cut at {end}");
    }
    let mut wrong_sum = BY_PROGRAM.to_vec();
    *wrong_sum.last_mut().unwrap() ^= 1;
    let got = read(&wrong_sum, &budget, &limits);
    assert!(matches!(&got, Err(Problem::Malformed(detail)) if detail.contains("checksum")), "{got:?}");
    let mut refused = 0;
    for place in 0..BY_PROGRAM.len() * 8 {
        let mut wire = BY_PROGRAM.to_vec();
        wire[place / 8] ^= 1 << (place % 8);
        refused += u32::from(read(&wire, &budget, &limits).is_err());
    }
    assert!(refused > 200, "only {refused} flips were noticed");
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn a_bomb_a_large_window_and_a_full_budget_are_refused() {
    let limits = Limits { body_bytes_max: 2_000_000, ..Limits::default() };
    let bomb = compress_to_vec(&vec![0_u8; 50_000_000][..], CompressionLevel::Fastest);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let budget = Budget::new(64 << 20);
    assert!(matches!(read(&bomb, &budget, &limits), Err(Problem::TooLarge(_))));
    // A window of 1 GiB, told in the header of the frame.
    let wide = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0][..], &[1, 0, 0]].concat();
    let got = read(&wide, &budget, &limits);
    assert!(matches!(&got, Err(Problem::Malformed(detail)) if detail.contains("zstd")), "{got:?}");
    assert!(matches!(read(BY_PROGRAM, &Budget::new(1 << 20), &limits), Err(Problem::Busy)));
}

#[test]
fn a_body_of_very_many_frames_is_refused() {
    let (budget, limits) = (Budget::new(64 << 20), Limits::default());
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    assert_eq!(read(&skippable.repeat(1024), &budget, &limits).unwrap(), b"");
    for frame in [&skippable[..], BY_PROGRAM] {
        let got = read(&frame.repeat(1025), &budget, &limits);
        let is_told = matches!(&got, Err(Problem::Malformed(detail)) if detail.contains("1024 frames"));
        assert!(is_told, "{got:?}");
    }
}

#[tokio::test]
async fn a_request_in_zstd_arrives() {
    let rig = Rig::new().await;
    let body = compress_to_vec(&export(vec![span(1), span(2)])[..], CompressionLevel::Fastest);
    for header in ["content-encoding: zstd", "Content-Encoding: ZSTD"] {
        let answer = rig.send(&traces_head(&format!("\r\n{header}")), &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let broken = rig.send(&traces_head("\r\ncontent-encoding: zstd"), b"nothing of the kind").await;
    assert_eq!((broken.status, broken.rpc_status().0), (400, 3));
    assert_eq!(rig.store.stats().accepted, 4);
}
