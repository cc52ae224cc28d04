//! A table of paths and methods, looked up by plain comparison.
//!
//! Shared by the control calls and by the vendors, whose tables are data: path, methods, what to do.

/// One path with what its methods do. A segment in braces matches any one non-empty segment.
#[derive(Debug)]
pub struct Route<T: 'static> {
    pub path: &'static str,
    pub methods: &'static [(&'static str, T)],
}

/// What a table says about a method and a path.
#[derive(Debug)]
pub enum Found<'p, T: 'static> {
    Operation(&'static T, Vec<&'p str>),
    /// The path exists; the value for the header `Allow`.
    WrongMethod(String),
    Nothing,
}

/// The first row whose path fits decides, so literal paths stand before those with parameters.
pub fn find<'p, T>(routes: &'static [Route<T>], method: &str, path: &'p str) -> Found<'p, T> {
    for route in routes {
        let Some(parameters) = parameters(route.path, path) else {
            continue;
        };
        let mut methods = route.methods.iter();
        return match methods.find(|(name, _)| *name == method) {
            Some((_, operation)) => Found::Operation(operation, parameters),
            None => {
                let names: Vec<&str> = route.methods.iter().map(|(name, _)| *name).collect();
                Found::WrongMethod(names.join(", "))
            }
        };
    }
    Found::Nothing
}

fn parameters<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut found = Vec::new();
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        if wanted.starts_with('{') && !segment.is_empty() {
            found.push(segment);
        } else if wanted != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::{Found, Route, find};

    static TABLE: &[Route<u8>] = &[
        Route {
            path: "things",
            methods: &[("GET", 1), ("POST", 2)],
        },
        Route {
            path: "things/first",
            methods: &[("GET", 3)],
        },
        Route {
            path: "things/{id}",
            methods: &[("GET", 4)],
        },
    ];

    fn operation(method: &str, path: &str) -> Option<(u8, String)> {
        match find(TABLE, method, path) {
            Found::Operation(operation, parameters) => Some((*operation, parameters.join(","))),
            _ => None,
        }
    }

    #[test]
    fn literal_paths_win_over_parameters() {
        assert_eq!(operation("POST", "things"), Some((2, String::new())));
        assert_eq!(operation("GET", "things/first"), Some((3, String::new())));
        assert_eq!(operation("GET", "things/27"), Some((4, String::from("27"))));
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        assert!(
            matches!(find(TABLE, "PUT", "things"), Found::WrongMethod(allow) if allow == "GET, POST")
        );
        assert!(
            matches!(find(TABLE, "POST", "things/first"), Found::WrongMethod(allow) if allow == "GET")
        );
    }

    #[test]
    fn longer_shorter_and_empty_paths_are_nothing() {
        for path in ["", "thing", "things/", "things/1/2", "/things"] {
            assert!(matches!(find(TABLE, "GET", path), Found::Nothing), "{path}");
        }
    }
}
