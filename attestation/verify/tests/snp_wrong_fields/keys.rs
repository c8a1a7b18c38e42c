//! Keys of the test's authorities. Their primes are fixed because finding some takes minutes; they protect nothing.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PrivateKey};
use sha2::Sha384;

use super::der::{NULL, bit_string, integer, oid, sequence};

/// A key that signs certificates and lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Signer {
    /// Of the ARK.
    Root,
    /// Of the ASK or ASVK.
    Intermediate,
    /// Of somebody else.
    Stranger,
}

static KEYS: LazyLock<HashMap<Signer, PrivateKey>> = LazyLock::new(|| {
    let primes = [(Signer::Root, ROOT), (Signer::Intermediate, INTERMEDIATE), (Signer::Stranger, STRANGER)];
    primes.into_iter().map(|(signer, primes)| (signer, private_key(primes))).collect()
});

/// Who signs what.
type Request = (Signer, Vec<u8>);

/// Signing is slow, and most worlds differ from the honest one in a single signature.
static SIGNATURES: LazyLock<Mutex<HashMap<Request, Vec<u8>>>> = LazyLock::new(Mutex::default);

impl Signer {
    /// RSASSA-PSS with SHA-384 and 48 bytes of salt; the same bytes for the same message.
    pub(crate) fn sign(self, message: &[u8]) -> Vec<u8> {
        let entry = (self, message.to_vec());
        if let Some(known) = SIGNATURES.lock().unwrap().get(&entry) {
            return known.clone();
        }
        let mut salt = ChaCha20Rng::from_seed([7; 32]);
        let signature = KEYS[&self].pss_sign_with_rng::<Sha384, _>(&mut salt, message).unwrap();
        SIGNATURES.lock().unwrap().insert(entry, signature.clone());
        signature
    }

    /// `SubjectPublicKeyInfo`.
    pub(crate) fn public_key(self) -> Vec<u8> {
        let key = &KEYS[&self];
        let numbers = sequence(&[integer(&key.n().to_be_bytes()), integer(&[1, 0, 1])]);
        let algorithm = sequence(&[oid("1.2.840.113549.1.1.1"), NULL.to_vec()]);
        sequence(&[algorithm, bit_string(&numbers)])
    }
}

fn private_key(primes: [&str; 2]) -> PrivateKey {
    let [p, q] = primes.map(|hex| BoxedUint::from_str_radix_vartime(hex, 16).unwrap());
    PrivateKey::from_p_q(p, q, BoxedUint::from(65537_u32)).unwrap()
}

const ROOT: [&str; 2] = [
    "d7688ec055a809754fe87ecf6519a7d7efc782187185b809254d1d4af70164cf428264eb9bccbc8af6525ba0e08c8969b6c5\
     5b27ce182e8b8cc3ca2da7c8b9dfc8297f1ef5d8b6b74b0108a5047be3481a5b211717a2a830a78a69ab18c1ac0a299a4e90\
     35b46e4854fe66422eb82339fb5fec9bcf7b4c03eb9a1048143f2f17f0de3098d3599e55bb94479807be16b7318198003668\
     4e3ccfe559d923f502f3a083748c6f705ef548277826ce31ab797a24d9e875cafa9541e6f4b55c615c20fae9e7a19be1088f\
     22bf47560accee54e0334c23a497d244c1d48032a8194aca3e46f7418a847b722a991486048e7432daf304c831728d70fc59\
     81ff43271977",
    "d286319cbbd4082a63bf274866116be73b0c6e8056092c356adc8db9ef27ca4924b39afa5319d337273d96c5f7c423539fce\
     09a5034b788f9b90bbfd8f32186517c6aba8043d2da3a732144dddea08e536f0eac1364b606f40f3b2433052cc89592455a9\
     777298c42739f9bfb39a04737eaa2ab54dc9a5a7d650bfbc973cfe909684c1e4e193eb655e2f5e9f1f84f6f50269fe6ecaf2\
     5db07b0fa9f387b3019915e53051ab5e71fa673c089726a1e388846f385d44329d2047816b69ed5d53bed2f5d8737c82c4f6\
     68c49546e85e0b6e2af118de7db94513a9eddb68909976ba6186e09571054c26201dda8ab32beb387b2d1787edda2fe2d89d\
     a3f231bcbcd3",
];
const INTERMEDIATE: [&str; 2] = [
    "f31bc7ff211eccc62afc970e884bf6dad5d011ad6337d9c0c313836c0ef96c0658d946c8d59304c700de2e2e2622858927ff\
     58f0b62a51765c6cb9b8b9be06802d4ae94eb43c46d2a369b4c4bc9909d5f406c10371973abb729ff8f77b6e366a5792d6d1\
     9d2ddff7abefc84fb85810f8f4a8f32b130c455b76ce3a7b5cb27cccfffddc249ea8d15d916f767102ab7ac24f5720bfc6b3\
     0bc96da68dbcca1fa0eea1e95df76fa65a90dd357f270cc12d90e4f7313b579d9cd2bf9be822b7ce4271db9a7342099ad73e\
     d050af5fd45307d3bab2e306d94b16212224d3cf90a284ac2468d837d9bf96ec0a15fedc53c9a246729328e28150b3c2eea1\
     83131157317f",
    "c956677321575d979889212862a7b9905f73b74e04f26cdbdcb4efd40be9150da31325a6522f4915a2679aa70b90b7b94c7a\
     f6d66df148ea6ca986f50fb20454a18a980ea06ae56f21a3d59b811b53092bb6ead9e60796813bfc06995ac07a54f4ff689f\
     a8392decd36a46cdf678cf6ef42ad07903743cfdf040e29638d5f11df54556826d0618d21038ea1575829c338507967b8cc3\
     586acb99a048a0033836ccd72f9ef7f4f69ca6a0a86e4bff5d3214d53d4fceb1a208f5e858c2b87610a67868581aeceb5884\
     8698f4d2d96f85d32676f46f85cda59cc141200de9f5dd4d40b8ce320e7341cc1bdcd5c095059712b7d2c5cffb66065f355b\
     7c9590cdcef3",
];
const STRANGER: [&str; 2] = [
    "f0bd03955a6161111736a3db0ba2c480e5abc7c7c7b8b464efade83861d5e16da0687a995e38f8a745f87ae043379a8c1d41\
     17dcfa10eb8d11ff830ef872c10d5c077072a60e4049544c2c6aa8f2b17ab45acf7a26d8fe5389cbe6b63ac7a28b2955cb0a\
     1fe5ebbae789f37fa23053a4ed7a18daf3a772a2d11a52195978c870df258966474115db8fff678a09714dd307f3c9c22c32\
     a1424df8389b381740a8b85dbb7c7f9d2a79f12a551c682ba59a646f2fd1685a69774b3d352d0c33441a0ced57072feadcfb\
     9e6d09a194db308b4a6de3f3d69bb5f2e0f0499324a37de49f1a05c96c8cc5dadc7da62ca2bbf979d06c4ad6ba3ed8928977\
     c3dbe3e6130b",
    "c57b1b5c523258a852f4e60be83248ec02f0c49453f9c520df4695fdc7ca4323fdeb6fcd74a4278c4c300f47c294ef72b7bf\
     a79efd1373654021d81656e391901589f8e9665ecf1c4bd8747036d9b9ab401601ae36015c2d17d61f900bea88c1c1c3cd28\
     349ec7105ca41f7c08bd175e60987e93538d03ea0936a526773ebff205cdc4905fa604b562e7195c2dc0e9d65422a1e41549\
     9ebcbc8bf1e5bd41c2512e7f10365a5d17795fac77d94866d05a2aa133f3921a28f6ba016cbdfefe7f2026cc0dc072123bf3\
     ede3cbc99046c4b8391c5fe13f74e061faed16b93458b10bb650f51f6fe103064f79533349c4813b7344648bd2f8a1c2bf82\
     152bcf38c045",
];
