use super::*;

const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUVlMj/y/ozZJbCMBX6HhTlJH0VLQwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIyMDU0MjQ2WhgPMjEy
NjEwMjkwNTQyNDZaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAE3i/FlSpbyfKXAaQBOUaijUCG7zRrXD7X1njwhZL0
dOsTuotoswtna9EU3SWZAg9CGHoHrNpp/55PlcJG0ADZPqNTMFEwHQYDVR0OBBYE
FHORDvF7ZAW+LEsh+afbJ6lT6zQVMB8GA1UdIwQYMBaAFHORDvF7ZAW+LEsh+afb
J6lT6zQVMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgDT+AfseL
DDhF2OcIe1B7sLNyE+qrclTfjxYNCDh8OSACICq4sokKhPNtBOXJSIRiuuMUnjpM
P73NfL2WhwuB/dPH
-----END CERTIFICATE-----
";

#[test]
fn an_authority_is_certificates_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ca.pem");
    let read = |content: &[u8]| {
        std::fs::write(&path, content).expect("own folder");
        read_ca(&path).map_err(|error| error.to_string())
    };
    assert_eq!(read(CERTIFICATE.as_bytes()).as_deref(), Ok(CERTIFICATE));
    let with_comment = format!("the corporate authority\n{CERTIFICATE}\n{CERTIFICATE}");
    read(with_comment.as_bytes()).expect("a chain with a comment");

    let damaged = CERTIFICATE.replace("MII", "MIA");
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (content, expected) in [
        (Vec::new(), "no certificate"),
        (b"hello".to_vec(), "no certificate"),
        (damaged.into_bytes(), "cannot be read"),
        (format!("{CERTIFICATE}{key}").into_bytes(), "private key"),
        (b"-----BEGIN CERTIFICATE-----\nAA".to_vec(), "damaged"),
        (vec![0xff, 0xfe], "not text"),
        (vec![b'\n'; 300 * 1024], "larger than"),
    ] {
        let error = read(&content).expect_err(expected);
        assert!(
            error.contains(expected) && error.contains("ca.pem"),
            "{expected}: {error}"
        );
    }
    let error = read_ca(&folder.path().join("none.pem"))
        .expect_err("not there")
        .to_string();
    assert!(error.contains("none.pem"), "{error}");
}
