//! Words about objects, the vendor's lists of their fields, and the call that tries credentials.

use serde_json::json;

use super::{sample, shipped};

fn mistakes(objects: serde_json::Value, resource: serde_json::Value) -> Vec<String> {
    let mut json = sample();
    json["objects"] = objects;
    let mut added = json!({"id": 90, "method": "GET", "path": "/field-list", "vendorPath": "/v", "type": "apiNoDocumentation"});
    let members = added.as_object_mut().unwrap();
    members.extend(resource.as_object().unwrap().clone());
    json["resources"].as_array_mut().unwrap().push(added);
    shipped(&json).err().unwrap_or_default()
}

#[test]
fn mistakes_of_objects_are_told() {
    let object = |words: serde_json::Value| {
        let mut object = json!({"name": "parcels"});
        let members = object.as_object_mut().unwrap();
        members.extend(words.as_object().unwrap().clone());
        object
    };
    let discovery = |call: &str| json!({"bunsen": {"discovery": [call]}});
    let fields = json!({"bunsen": {"fields": {"name": "code"}}});
    let none = json!({});
    assert_eq!(
        mistakes(
            json!([object(discovery("GET:/field-list"))]),
            fields.clone()
        ),
        Vec::<String>::new()
    );
    for (objects, resource, expected) in [
        (
            json!([object(discovery("GET:/field-list"))]),
            &none,
            "objects[0].bunsen.discovery[0]: GET:/field-list has no bunsen.fields",
        ),
        (
            json!([object(discovery("GET:/nothing"))]),
            &fields,
            "objects[0].bunsen.discovery[0]: no resource GET:/nothing",
        ),
        (
            json!([{"name": "parcel-parts"}, {"name": "parcelParts"}]),
            &none,
            "objects[1].name: \"parcelParts\" is declared twice",
        ),
        (
            json!([object(json!({"fields": [{"name": "a", "type": "text"}]}))]),
            &none,
            "objects[0].fields[0].type: unknown \"text\"; one of string, number, boolean, date, object, array",
        ),
        (
            json!([object(
                json!({"fields": [{"name": "a", "type": "string"}, {"name": "a", "type": "string"}]})
            )]),
            &none,
            "objects[0].fields[1].name: \"a\" is declared twice",
        ),
        (
            json!([object(json!({"bunsen": {"dscovery": []}}))]),
            &none,
            "objects[0].bunsen.dscovery: unknown field",
        ),
        (
            json!([]),
            &json!({"path": "/a/{b}/{c}", "bunsen": {"fields": {"name": "code"}}}),
            "resources[3].bunsen.fields: belongs to a GET of type api or apiNoDocumentation with one variable at most",
        ),
        (
            json!([]),
            &json!({"bunsen": {"fields": {"name": "code", "required": {"equals": {"a[": ["x"]}}}}}),
            "resources[3].bunsen.fields.required: column 3: expected an index, '…' or ?(@.name==…)",
        ),
        (
            json!([]),
            &json!({"bunsen": {"ping": true}, "parameters": [
                {"id": 91, "name": "of", "type": "query", "vendorName": "of", "vendorType": "query", "required": true}]}),
            "resources[3].bunsen.ping: nobody brings anything to the call that sees whether credentials work",
        ),
    ] {
        let found = mistakes(objects, resource.clone());
        assert_eq!(found.len(), 1, "{expected}\n{found:?}");
        let place = expected.split(": ").next().unwrap();
        // How a path is wrong is the language's to say.
        let said = found[0].trim_start_matches("elements/parceldesk/element.json: ");
        match place.ends_with("required") {
            true => assert!(said.starts_with(place), "{said}"),
            false => assert_eq!(said, expected),
        }
    }
}

#[test]
fn names_of_objects_are_those_of_paths() {
    let mut json = sample();
    json["objects"] = json!([{"name": "parcels", "vendorName": "boxes", "fields": [{"name": "id", "type": "number"}]}]);
    let list = |id: i64, path: &str| {
        json!({"id": id, "method": "GET", "path": path, "vendorPath": "/v", "type": "api",
               "paginationType": "VENDOR_NOT_SUPPORTED"})
    };
    json["resources"].as_array_mut().unwrap().extend([
        list(90, "/parcels"),
        list(91, "/parcels/{id}/open-parts"),
        list(92, "/stations/{id}/parcels"),
    ]);
    let catalog = shipped(&json).unwrap();
    let element = catalog.get("parceldesk").unwrap();
    let names: Vec<&str> = element
        .objects
        .iter()
        .map(|object| object.name.as_str())
        .collect();
    assert_eq!(names, ["parcels", "parcelsOpenParts", "stationsParcels"]);
    assert_eq!(element.object_names(), ["parcels"]);
    let last = |back: usize| &element.resources[element.resources.len() - back];
    // The end of the path is an object whose fields are known.
    let same = element.object_of(last(1)).unwrap();
    assert_eq!(
        (same.name.as_str(), same.fields.len()),
        ("stationsParcels", 1)
    );
    assert_eq!(element.object_of(last(2)).unwrap().name, "parcelsOpenParts");
    assert_eq!(
        element.object("parcels-open-parts").unwrap().name,
        "parcelsOpenParts"
    );
    assert!(element.object("boxes").is_none());
}
