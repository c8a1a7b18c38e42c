//! Exchanges that others have published: by the implementation roughenough, and in the drafts of the RFC.

use attestation_roughtime::{
    Midpoint, REQUEST_BYTES, ResponseError, ServerKey, chained_nonce, read_response, request,
};
use attestation_signature::{RustCrypto, SignatureVerifier};
use base64ct::{Base64, Encoding};

/// `testdata/rfc10049-request.104172a3` of roughenough-protocol 2.2.0, without the zeros that follow up to 1,024 bytes.
const REQUEST: &str = "\
    524f55474854494df403000004000000040000002400000028000000564552004e4f4e43545950455a5a5a5a010000001041\
    72a3d405366798c9fa2b5c8dbeef205182b3e4154677a8d90a3b6c9dceff00000000";
/// `testdata/rfc10049-response.104172a3` of the same.
const RESPONSE: &str = "\
    524f55474854494d940100000700000040000000600000006400000064000000c000000058010000534947004e4f4e435459\
    5045504154485352455043455254494e44581ffac2a63efa671e7efbfb0322c84ad27e82571bf644783069da2a47a5e767fa\
    2a91d02144f23c4f660d725aac1395e20a10b9d845e2b7806dd76d1e7e6d240b104172a3d405366798c9fa2b5c8dbeef2051\
    82b3e4154677a8d90a3b6c9dceff01000000050000000400000008000000100000001400000056455200524144494d494450\
    56455253524f4f54010000000500000080e8c26a0000000001000000a91b3941999b3d6ac6d36b56cd5710a1c519472a74e9\
    8d248f441a2c607ac96c02000000400000005349470044454c4595cd85938be3f3fb426f6699d31754ad4dd6969f2dd2f803\
    f088ac506e08b4dda16b81f0d81e5e3cd1390f9e9c86ef9a0445e981b6f41541222fbc1f4655240803000000200000002800\
    00005055424b4d494e544d4158542e7ce2a975a9524a654865b8d0b3a5165bf28eb005e48f1cb3b792ad286d032480e8c26a\
    0000000080fa3c6b0000000000000000";
/// The server of both, by `testdata/README.md`.
const KEY: &str = "GX9rI+FshTLGq8g4+s1ep4m+DHaykgM0A5v6iz02jWE=";

/// draft-ietf-ntp-roughtime-19, appendix B: servers, what made the nonce new (none for the first), the beginning of the
/// request, the response. The text of the draft is in base64.
const APPENDIX: [(&str, Option<&str>, &str, &str); 3] = [
    (
        "FnDyLV/68ephhLdFJbdEGCdkVvpXDaVe5PYvRDdlOOY=",
        None,
        "\
         Uk9VR0hUSU0ABAAABQAAAAQAAAAkAAAARAAAAEgAAABWRVIAU1JWAE5PTkNUWVBFWlpaWgEAAACf4gKLPdPfiNTv93lrhNqYgyeh\
         DgMyHFmA1BrAhM1QEDBh9lBlN6LUye6zghiqSWMwyNm0IucxQxW3zTMrwj4d",
        "\
         Uk9VR0hUSU2UAQAABwAAAEAAAABgAAAAZAAAAGQAAADAAAAAWAEAAFNJRwBOT05DVFlQRVBBVEhTUkVQQ0VSVElORFhBWL64CToG\
         s4v/4UtfN/80HLFiA09vGIDRP/zTjcTj8/1DlZWCsVja6RlfwaYnc1wfJqThfhcuSDonrTGyKngBMGH2UGU3otTJ7rOCGKpJYzDI\
         2bQi5zFDFbfNMyvCPh0BAAAABQAAAAQAAAAIAAAAEAAAABQAAABWRVIAUkFESU1JRFBWRVJTUk9PVAEAAAADAAAAQ0u4aQAAAAAB\
         AAAAc86AWYB/O3Kxzsx4d5P5cbSOftJUA8bWVtVrQ3tc+b0CAAAAQAAAAFNJRwBERUxFI2B5tbj5ePjVKYE0PAL1NmgZOAsqh/E2\
         from9Ol5BAnVcLje0C6exbXY8hE3dRvYV01Alru8Ocle+jOZT5r8AwMAAAAgAAAAKAAAAFBVQktNSU5UTUFYVKqljhhqi4A54vW2\
         0e+slwViPyxybNnqKXzimIiIUHQMaBCvaQAAAADYyd9pAAAAAAAAAAA=",
    ),
    (
        "l9cdSuR8dFxtG9aJo9pWzUXaX8pftNG4UDC45Qk3znc=",
        Some("v/DirVBRQLGtictYD7mN3px02UlMT4J3haTRomt1NNM="),
        "\
         Uk9VR0hUSU0ABAAABQAAAAQAAAAkAAAARAAAAEgAAABWRVIAU1JWAE5PTkNUWVBFWlpaWgEAAABFCvadUKPN/U9OXqFalVFnv/Eh\
         sAuPPpBYfo5MDULZKv335kbNTZcsYLM96o77yLbvvRk1fm2TQB4yKxbP1jze",
        "\
         Uk9VR0hUSU2UAQAABwAAAEAAAABgAAAAZAAAAGQAAADAAAAAWAEAAFNJRwBOT05DVFlQRVBBVEhTUkVQQ0VSVElORFj+2I02cCBA\
         fDYzP+8znW6bICqVrAF23xNLfM+Qycmkpfp1+BQSb4l/6mRll66l2VIfPSQzigl2V5OJgQzGEBcG/ffmRs1Nlyxgsz3qjvvItu+9\
         GTV+bZNAHjIrFs/WPN4BAAAABQAAAAQAAAAIAAAAEAAAABQAAABWRVIAUkFESU1JRFBWRVJTUk9PVAEAAAADAAAAw/m2aQAAAAAB\
         AAAAS8ROJoXIPSlO9yN+uREb+/UiOJJqCjx3VWZ/vD2FqBMCAAAAQAAAAFNJRwBERUxFw0MFQMiDoHySot8rlnV83Vqaa3qTrAY1\
         5W1TzqNuAurOvreNw08BfUwxF7BQ/b/JCwCQcqtD5uRYsvikvuyLCwMAAAAgAAAAKAAAAFBVQktNSU5UTUFYVCQs/eCxtWjVrXys\
         e0SeojyZdNFkOwe3B3nLHtHJZK/9gRCvaQAAAADxyd9pAAAAAAAAAAA=",
    ),
    (
        "lRhHag6fn2wZQ6idy10ChgpRgks3gvdMM2hWNeJNgXg=",
        Some("lMvMVoLsakxc5ZmMzEFQ8hh1FaDo2gCXXIX/L4QPSxQ="),
        "\
         Uk9VR0hUSU0ABAAABQAAAAQAAAAkAAAARAAAAEgAAABWRVIAU1JWAE5PTkNUWVBFWlpaWgEAAADmAab6GlTSr3xRmwwwvRjW6EKR\
         htyWYYWZHZIGnF8w2b4DuIICvoCWTwCaupBfcOEwV+RqBWB6L1JUGn+ot8+9",
        "\
         Uk9VR0hUSU2UAQAABwAAAEAAAABgAAAAZAAAAGQAAADAAAAAWAEAAFNJRwBOT05DVFlQRVBBVEhTUkVQQ0VSVElORFg8MlhdCJeQ\
         2qzN6b9q646W9kB+XmAdSg7ToU1gj3AD8AP8eCHfduMBE0E8j4/LqWIr72zWQx8Y1U/1uxs97yMAvgO4ggK+gJZPAJq6kF9w4TBX\
         5GoFYHovUlQaf6i3z70BAAAABQAAAAQAAAAIAAAAEAAAABQAAABWRVIAUkFESU1JRFBWRVJTUk9PVAEAAAADAAAAw/m2aQAAAAAB\
         AAAA6ho4+0Cml+VJbqU7hsF717uusV2HYvRbU9CdjJE/Zn0CAAAAQAAAAFNJRwBERUxFM9Fvq8T9kOrxcS7jviCPHe44HX/75Je1\
         hafPJ0f8NoASy29EgD7C0c/LMxXiXxEwyuxYTPN9oseAr9XIt68uDwMAAAAgAAAAKAAAAFBVQktNSU5UTUFYVMxBDiNG247IO4on\
         sGcjFHsA3vP+arl+s0lBLhXw0c1RlBCvaQAAAAAEyt9pAAAAAAAAAAA=",
    ),
];

/// Bytes of requests before the zeros, of this crate and of the appendix.
const HEAD_BYTES: usize = 120;

fn key(base64: &str) -> ServerKey {
    ServerKey(Base64::decode_vec(base64).unwrap().try_into().unwrap())
}

fn published_request() -> Vec<u8> {
    let mut request = hex::decode(REQUEST).unwrap();
    request.resize(1024, 0);
    request
}

#[test]
fn an_exchange_of_roughenough_verifies() {
    let (request, response) = (published_request(), hex::decode(RESPONSE).unwrap());
    let midpoint = Midpoint { midpoint_s: 1_791_158_400, radius_s: 5 };
    assert_eq!(read_response(&RustCrypto, &key(KEY), &request, &response), Ok(midpoint));
    assert_eq!(key(KEY).to_string(), KEY);
}

#[test]
fn each_bit_of_it_counts() {
    let (request, response) = (published_request(), hex::decode(RESPONSE).unwrap());
    for bit in 0..response.len() * 8 {
        let mut changed = response.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read_response(&RustCrypto, &key(KEY), &request, &changed).is_err(), "bit {bit}");
    }
}

/// The same layout but for SRV, which theirs does without.
#[test]
fn its_request_is_laid_out_as_ours() {
    let theirs = published_request();
    let nonce: [u8; 32] = theirs[48..80].try_into().unwrap();
    let ours = request(&key(KEY), &nonce);
    // Magic; N; tags; VER; NONC, TYPE and zeros.
    assert_eq!((&ours[..8], ours[12], theirs[12]), (&theirs[..8], 5, 4));
    assert_eq!([&ours[32..36], &ours[40..52]].concat(), theirs[28..44]);
    assert_eq!(ours[52..56], theirs[44..48]);
    assert_eq!(ours[88..124], theirs[48..84]);
    // Offsets, each SRV's 32 bytes farther on.
    let offsets = |packet: &[u8]| -> Vec<u32> {
        let numbers = packet.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
        numbers.collect()
    };
    let farther: Vec<u32> = offsets(&theirs[16..28]).iter().map(|offset| offset + 32).collect();
    assert_eq!(offsets(&ours[16..32]), [&[4][..], &farther].concat());
}

/// Whoever wrote the appendix makes the requests that this crate makes, to the byte, and chains them as it does.
#[test]
fn the_chain_of_the_appendix_is_ours() {
    let mut before: Option<Vec<u8>> = None;
    for (server, rand, head, response) in APPENDIX {
        let head = Base64::decode_vec(head).unwrap();
        let nonce: [u8; 32] = head[88..].try_into().unwrap();
        let ours = request(&key(server), &nonce);
        assert_eq!((&ours[..HEAD_BYTES], ours.len()), (head.as_slice(), REQUEST_BYTES));
        if let (Some(before), Some(rand)) = (&before, rand) {
            let rand = Base64::decode_vec(rand).unwrap().try_into().unwrap();
            assert_eq!(chained_nonce(before, &rand), nonce);
        }
        before = Some(Base64::decode_vec(response).unwrap());
    }
}

/// They are signed as in the drafts, with a capital T: form, nonce and tree are right, and the first signature is not.
#[test]
fn the_signatures_of_the_appendix_are_of_a_draft() {
    for (server, _, head, response) in APPENDIX {
        let key = key(server);
        let mut request = Base64::decode_vec(head).unwrap();
        request.resize(REQUEST_BYTES, 0);
        let response = Base64::decode_vec(response).unwrap();
        let refused = read_response(&RustCrypto, &key, &request, &response);
        assert_eq!(refused, Err(ResponseError::DelegationSignature { key }));
        let (signature, delegation) = (response[276..340].try_into().unwrap(), &response[340..412]);
        let of_draft = [b"RoughTime v1 delegation signature\0", delegation].concat();
        assert!(RustCrypto.ed25519(&key.0, &of_draft, signature));
    }
}
