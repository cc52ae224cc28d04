//! The parts of a definition that have paths of their own: a table, and one walk along the path.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::path::{OperationBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{ContentBuilder, HttpMethod, Paths, Ref, RefOr, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use super::{NO_ELEMENT, list, list_of};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::description::OwnOnly;
use crate::http::json::Json;
use crate::http::query::Query;

/// One path below an element, and how it is described.
pub struct Part {
    /// Behind the element. A word is a list of the definition, `{name}` the id of one of its parts.
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    /// Name of the described type of the part.
    schema: &'static str,
}

const fn part(
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
    schema: &'static str,
) -> Part {
    Part {
        path,
        operation,
        summary,
        schema,
    }
}

#[rustfmt::skip]
pub const ALL: &[Part] = &[
    part("parameters", "listElementParameters", "List the parameters of every call", "Parameter"),
    part("hooks", "listElementHooks", "List the hooks of every call", "Hook"),
    part("hooks/{id}", "getElementHook", "Read a hook of every call", "Hook"),
    part("resources", "listElementResources", "List the resources of an element", "Resource"),
    part("resources/{id}", "getElementResource", "Read a resource", "Resource"),
    part("resources/{id}/parameters", "listResourceParameters", "List the parameters of a resource", "Parameter"),
    part("resources/{id}/hooks", "listResourceHooks", "List the hooks of a resource", "Hook"),
    part("resources/{id}/hooks/{hookId}", "getResourceHook", "Read a hook of a resource", "Hook"),
    part("resources/{id}/models", "getResourceModel", "Read the model of a resource", "Model"),
    part("objects", "listElementObjects", "List the objects of an element", "ObjectSettings"),
    part("objects/{id}", "getElementObject", "Read an object of an element", "ObjectSettings"),
    part("objects/{id}/fields", "listElementObjectFields", "List the fields of an object", "Field"),
    part("objects/{id}/fields/{fieldId}", "getElementObjectField", "Read a field of an object", "Field"),
    part("models", "listElementModels", "List the models of an element", "Model"),
    part("models/{id}", "getElementModel", "Read a model of an element", "Model"),
    part("models/{id}/fields", "listElementModelFields", "List the fields of a model", "Field"),
    part("models/{id}/fields/{fieldId}", "getElementModelField", "Read a field of a model", "Field"),
    part("transformations", "listElementTransformations", "List the sample mappings of an element", "SampleTransformation"),
];

impl Part {
    /// Handler and description.
    pub fn route(&'static self) -> UtoipaMethodRouter<App> {
        let path = format!("/elements/api-v2/elements/{{keyOrId}}/{}", self.path);
        let mut paths = Paths::new();
        paths.add_path_operation(&path, vec![HttpMethod::Get], self.description());
        let handler = get(
            move |State(app): State<App>,
                  _: OrgCaller,
                  Path(names): Path<Vec<(String, String)>>,
                  query: Query| async move { self.answer(&app, &names, &query) },
        );
        (Vec::new(), paths, handler)
    }

    fn is_list(&self) -> bool {
        // A resource has one model at most.
        !self.path.ends_with('}') && self.path != "resources/{id}/models"
    }

    /// Lists of which the caller may want only the own additions.
    fn may_be_own(&self) -> bool {
        matches!(self.path, "resources" | "objects")
    }

    fn description(&self) -> OperationBuilder {
        let schema = Ref::from_schema_name(self.schema);
        let schema = match self.is_list() {
            true => RefOr::T(Schema::Array(ArrayBuilder::new().items(schema).build())),
            false => RefOr::Ref(schema),
        };
        let answer = ResponseBuilder::new()
            .description("As the definition has it.")
            .content(
                "application/json",
                ContentBuilder::new().schema(Some(schema)).build(),
            );
        let missing = match self.path.contains('/') {
            true => "No such element, or no such part of it.",
            false => NO_ELEMENT,
        };
        let own = self
            .may_be_own()
            .then(|| OwnOnly::into_params(|| Some(ParameterIn::Query)));
        OperationBuilder::new()
            .operation_id(Some(self.operation))
            .summary(Some(self.summary))
            .parameters(own)
            .response("200", answer)
            .response("404", ResponseBuilder::new().description(missing))
    }

    fn answer(&self, app: &App, names: &[(String, String)], query: &Query) -> Result<Response> {
        let mut names = names.iter().map(|(_, value)| value.as_str());
        let key = names.next().unwrap_or_default();
        let mut place = app.element(key)?.catalogue_json();
        let mut words = self.path.split('/').filter(|word| !word.starts_with('{'));
        let mut member = words.next().unwrap_or_default();
        for word in words {
            place = one(place, member, names.next().unwrap_or_default())?;
            member = match (member, word) {
                ("models", "fields") => "modelFields",
                ("resources", "models") => "model",
                (_, word) => word,
            };
        }
        if let Some(id) = names.next() {
            return Ok(Json(one(place, member, id)?).into_response());
        }
        if !self.is_list() {
            let model = place.get(member).filter(|model| model.is_object());
            let model = model.ok_or_else(|| Error::NotFound("No model found".into()))?;
            return Ok(Json(model).into_response());
        }
        if self.may_be_own() && query.boolean("accountOnly")?.unwrap_or(false) {
            return Ok(list_of(&[]));
        }
        let member = match member {
            "transformations" => "defaultTransformations",
            member => member,
        };
        Ok(list_of(list(place, member)))
    }
}

/// 404 for what is no number, too: no part has another id.
fn one<'a>(parent: &'a Value, member: &str, id: &str) -> Result<&'a Value> {
    let number: Option<i64> = id.parse().ok();
    list(parent, member)
        .iter()
        .find(|part| number.is_some() && part.get("id").and_then(Value::as_i64) == number)
        .ok_or_else(|| {
            let name = match member {
                "modelFields" => "field",
                member => member.trim_end_matches('s'),
            };
            Error::NotFound(format!("No {name} found with ID {id}."))
        })
}
