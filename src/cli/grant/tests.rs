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
fn targets_get_the_form_that_a_url_has() {
    for (given, host, port) in [
        ("crm.corp.example:8443", "crm.corp.example", 8443),
        ("CRM.Corp.Example:443", "crm.corp.example", 443),
        ("crm.corp.example.:443", "crm.corp.example", 443),
        ("crm_1.corp.example:443", "crm_1.corp.example", 443),
        ("bücher.example:443", "xn--bcher-kva.example", 443),
        ("10.0.0.7:8080", "10.0.0.7", 8080),
        ("0x0a000007:8080", "10.0.0.7", 8080),
        ("[FD00::0:1]:65535", "[fd00::1]", 65535),
        ("intranet:1", "intranet", 1),
    ] {
        assert_eq!(
            parse_target(given).expect(given),
            (host.to_owned(), port),
            "{given}"
        );
        let url = url::Url::parse(&format!("https://{host}:{port}/")).expect("a URL");
        assert_eq!(url.host_str(), Some(host));
    }
}

#[test]
fn other_targets_are_refused_with_the_form_to_use() {
    for given in [
        "",
        ":443",
        "crm.corp.example",
        "crm.corp.example:",
        "crm.corp.example:0",
        "crm.corp.example:65536",
        "crm.corp.example:+443",
        "crm.corp.example:443/path",
        "https://crm.corp.example:443",
        "*.corp.example:443",
        "crm..example:443",
        "-crm.example:443",
        "user@crm.example:443",
        "crm example:443",
        "fd00::1:443",
        "[fd00::1:443",
        "1.2.3.256:443",
        "crm.example:443:443",
    ] {
        let error = parse_target(given).expect_err(given).to_string();
        assert!(error.contains("HOST:PORT"), "{given}: {error}");
    }
}

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
