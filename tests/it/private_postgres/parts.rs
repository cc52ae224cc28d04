//! Lock, secret files, modes of the data folder, and the guard, without a Postgres.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use bunsen::private_postgres::data_dir::{
    self, Lock, publish_secret, secret_is_staged, stage_secret, write_secret,
};

use super::{GUARD, is_root, mode, open_folder};

#[test]
fn a_lock_keeps_others_out_and_names_its_holder() {
    let folder = open_folder();
    let held = Lock::take(folder.path()).expect("a free folder");
    let refused = Lock::take(folder.path()).expect_err("taken").to_string();
    let ourselves = format!("process {}", std::process::id());
    assert!(refused.contains(&ourselves), "{refused}");
    drop(held);
    drop(Lock::take(folder.path()).expect("free again"));
}

#[test]
fn secret_files_appear_whole_and_closed() {
    let folder = open_folder();
    let path = folder.path().join("credentials.json");
    // What a crash left, open to everybody.
    fs::write(
        folder.path().join("credentials.json.new"),
        "older and longer",
    )
    .expect("written");
    stage_secret(&path, b"first").expect("staged");
    assert!(secret_is_staged(&path) && !path.exists());
    assert_eq!(mode(&folder.path().join("credentials.json.new")), 0o600);
    publish_secret(&path).expect("published");
    assert!(!secret_is_staged(&path));
    assert_eq!(fs::read(&path).expect("the file"), b"first");
    write_secret(&path, b"second").expect("replaced");
    assert_eq!(fs::read(&path).expect("the file"), b"second");
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_data_folder_that_others_may_write_to_is_closed() {
    let folder = open_folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("new");
    fs::set_permissions(&data, Permissions::from_mode(0o777)).expect("our own");
    data_dir::prepare(&data).expect("our own folder");
    assert_eq!(mode(&data), 0o711);
    fs::set_permissions(&data, Permissions::from_mode(0o700)).expect("our own");
    data_dir::prepare(&data).expect("our own folder");
    let expected = if is_root() { 0o711 } else { 0o700 };
    assert_eq!(
        mode(&data),
        expected,
        "only root has to let another user through"
    );
}

#[test]
fn the_guard_ends_when_its_supervisor_is_another_process() {
    let output = Command::new(GUARD)
        .args([
            "postgres-guard",
            "--parent",
            "1",
            "--",
            "/bin/echo",
            "it ran",
        ])
        .output()
        .expect("the guard");
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "it must not execute anything");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("supervisor, process 1, has ended"), "{said}");
}

#[test]
fn the_guard_becomes_the_user_with_that_group_alone() {
    if !is_root() {
        eprintln!("skipped: only root can change users");
        return;
    }
    let parent = std::process::id().to_string();
    let output = Command::new(GUARD)
        .args([
            "postgres-guard",
            "--parent",
            &parent,
            "--uid",
            "65534",
            "--gid",
            "65533",
            "--",
        ])
        .args(["/bin/cat", "/proc/self/status"])
        .output()
        .expect("the guard");
    let status = String::from_utf8_lossy(&output.stdout).into_owned();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {status}"))
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(field("Uid:"), ["65534"; 4]);
    assert_eq!(field("Gid:"), ["65533"; 4]);
    assert_eq!(field("Groups:"), ["65533"]);
    assert_eq!(field("CapEff:"), ["0000000000000000"]);
}
