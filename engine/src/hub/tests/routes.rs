use super::*;

#[test]
fn paths_find_their_resource() {
    for (method, path, id, values) in [
        ("GET", "/people", 1000, vec![]),
        ("GET", "/hubs/crm/people", 1000, vec![]),
        ("GET", "/hubs/nonsense/people/", 1000, vec![]),
        ("GET", "//people//", 1000, vec![]),
        ("GET", "/people/recent", 1140, vec![]),
        ("GET", "/people/7", 1100, vec![("id", "7")]),
        (
            "GET",
            "/people/a%2Fb%20c%C3%A9",
            1100,
            vec![("id", "a/b cé")],
        ),
        ("GET", "/people/MjA5MzE=", 1100, vec![("id", "MjA5MzE=")]),
        (
            "GET",
            "/things/7",
            1150,
            vec![("objectName", "things"), ("id", "7")],
        ),
        (
            "GET",
            "/hubs/crm/wares/7/parts",
            1152,
            vec![("objectName", "wares"), ("id", "7"), ("childName", "parts")],
        ),
        ("PATCH", "/people/7", 1110, vec![("id", "7")]),
        ("PUT", "/people/7", 1110, vec![("id", "7")]),
        ("DELETE", "/people/7", 1120, vec![("id", "7")]),
        ("POST", "/people", 1130, vec![]),
    ] {
        let route = route(method, path).unwrap_or_else(|lost| panic!("{method} {path}: {lost:?}"));
        assert_eq!(route.resource.id.0, id, "{method} {path}");
        let found: Vec<(&str, &str)> = route.values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(found, values, "{method} {path}");
    }
}

#[test]
fn what_is_not_there_is_told_apart() {
    let lost = |method: &str, path: &str| route(method, path).unwrap_err();
    assert_eq!(lost("GET", "/nothing"), Lost::Path);
    assert_eq!(lost("GET", "/"), Lost::Path);
    // A hub alone is not a resource, and neither is a log-in's call.
    assert_eq!(lost("GET", "/who"), Lost::Path);
    assert_eq!(lost("POST", "/login"), Lost::Path);
    assert_eq!(
        lost("DELETE", "/people"),
        Lost::Method(vec![Method::GET, Method::POST])
    );
    // A name that is allowed elsewhere, one that is no name of the vendor's, and one to break out.
    for path in [
        "/wares/7/wares",
        "/makers/7/parts",
        "/makers/7/..",
        "/wares%2F7/7/parts",
        "/Wares/7/parts",
    ] {
        assert_eq!(lost("GET", path), Lost::Path, "{path}");
    }
    assert_eq!(
        lost("DELETE", "/wares/7/parts"),
        Lost::Method(vec![Method::GET])
    );
    for path in ["/people/%", "/people/%4", "/people/%zz", "/people/%ff"] {
        assert_eq!(lost("GET", path), Lost::Encoding, "{path}");
    }
}

#[test]
fn the_nearest_path_is_named() {
    let near = |path| ELEMENT.nearest_path(&ELEMENT.groups[1], path);
    assert_eq!(near("/hubs/crm/poeple"), Some("/people"));
    assert_eq!(near("/People/7"), Some("/people/{id}"));
    assert_eq!(near("/file/7"), Some("/files/{id}"));
    assert_eq!(near("/wares/7/part"), Some("/wares/{id}/parts"));
    assert_eq!(near("/warehouses"), None);
    assert_eq!(near("/people/7/notes/8"), None);
    // Nothing but variables is near to everything.
    assert_eq!(near("/one/two"), None);
}
