//! The platform's model as written, and our `bunsen` key beside it. No logic.
//!
//! Reading is tolerant, member by member: what has the wrong type counts as absent, because the
//! JSON Schema has reported it already, and the rest of the file must still be checked. Members
//! that nobody here asks for stay in the element's original JSON.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

fn tolerant<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

/// A list whose broken items count as empty, so that every other keeps its place.
#[derive(Debug, Clone)]
pub struct Many<T>(pub Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Value>::deserialize(deserializer)?;
        Ok(Self(
            items
                .into_iter()
                .map(|item| T::deserialize(item).unwrap_or_default())
                .collect(),
        ))
    }
}

/// An absent default and a default of null differ: the second is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DefaultValue {
    #[default]
    Absent,
    Null,
    Text(String),
}

impl<'de> Deserialize<'de> for DefaultValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<String>::deserialize(deserializer)? {
            Some(text) => Self::Text(text),
            None => Self::Null,
        })
    }
}

macro_rules! written {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_attribute:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field_attribute])* #[serde(deserialize_with = "tolerant")] pub $field: $type,)*
        }
    )*};
}

written! {
    ElementDefinition {
        id: Option<i64>,
        key: Option<String>,
        name: Option<String>,
        hub: Option<String>,
        active: Option<bool>,
        protocol_type: Option<String>,
        bulk_download_enabled: bool,
        bulk_upload_enabled: bool,
        authentication: AuthenticationDefinition,
        configuration: Many<EntryDefinition>,
        parameters: Many<ParameterDefinition>,
        hooks: Many<HookDefinition>,
        resources: Many<ResourceDefinition>,
        objects: Many<ObjectDefinition>,
        bunsen: ElementWords,
    }

    AuthenticationDefinition {
        #[serde(rename = "type")]
        kind: Option<String>,
    }

    EntryDefinition {
        id: Option<i64>,
        key: Option<String>,
        name: Option<String>,
        description: Option<String>,
        default_value: DefaultValue,
        #[serde(rename = "type")]
        kind: Option<String>,
        options: Many<OptionDefinition>,
        required: bool,
        active: Option<bool>,
        internal: bool,
        hide_from_console: bool,
        display_order: Option<i64>,
        group_control: bool,
        group_name: Option<String>,
        bunsen: EntryWords,
    }

    OptionDefinition {
        value: Option<String>,
        description: Option<String>,
    }

    ParameterDefinition {
        id: Option<i64>,
        name: Option<String>,
        vendor_name: Option<String>,
        #[serde(rename = "type")]
        kind: Option<String>,
        vendor_type: Option<String>,
        source: Option<String>,
        vendor_data_type: Option<String>,
        data_type: Option<String>,
        description: Option<String>,
        required: bool,
        converter: Option<String>,
        bunsen: ParameterWords,
    }

    HookDefinition {
        id: Option<i64>,
        #[serde(rename = "type")]
        kind: Option<String>,
        body: Option<String>,
        is_legacy: bool,
    }

    ResourceDefinition {
        id: Option<i64>,
        description: Option<String>,
        method: Option<String>,
        path: Option<String>,
        vendor_method: Option<String>,
        vendor_path: Option<String>,
        #[serde(rename = "type")]
        kind: Option<String>,
        #[serde(rename = "kind")]
        built: Option<String>,
        parameters: Many<ParameterDefinition>,
        hooks: Many<HookDefinition>,
        next_resource: Option<String>,
        root_key: Option<String>,
        next_page_key: Option<String>,
        pagination_type: Option<String>,
        response: ResponseDefinition,
        operation_id: Option<String>,
        model: ModelDefinition,
        bunsen: ResourceWords,
    }

    ModelDefinition {
        name: Option<String>,
        request_name: Option<String>,
        swagger: Map<String, Value>,
        request_swagger: Map<String, Value>,
    }

    ObjectDefinition {
        name: Option<String>,
        vendor_name: Option<String>,
        fields: Many<FieldDefinition>,
        bunsen: ObjectWords,
    }

    FieldDefinition {
        name: Option<String>,
        #[serde(rename = "type")]
        kind: Option<String>,
        format: Option<String>,
        display_name: Option<String>,
        description: Option<String>,
        mask: Option<String>,
        primary_key: bool,
        hidden: bool,
        read_only: bool,
        required: bool,
        request: Option<bool>,
        response: Option<bool>,
        bunsen: FieldWords,
    }

    FieldWords {
        createable: Option<bool>,
        updateable: Option<bool>,
    }

    ResponseDefinition {
        content_type: Option<String>,
    }

    /// `bunsen` on an element.
    ElementWords {
        groups: Many<GroupWords>,
        hosts: Option<Value>,
        apart: Vec<String>,
        fault: Many<FaultWords>,
        refresh: Option<RefreshWords>,
        session: Vec<String>,
        budget: Many<BudgetWords>,
        records: BTreeMap<String, RecordWords>,
    }

    BudgetWords {
        calls: Option<u64>,
        seconds: Option<u64>,
        account: Vec<String>,
        headers: BudgetHeadersWords,
        weights: Option<WeightsWords>,
    }

    WeightsWords {
        list: Option<u64>,
        read: Option<u64>,
        write: Option<u64>,
        delete: Option<u64>,
    }

    BudgetHeadersWords {
        limit: Option<String>,
        remaining: Option<String>,
        reset: Option<String>,
    }

    GroupWords {
        name: Option<String>,
        title: Option<String>,
        authenticate: Option<AuthenticateWords>,
        soap_header: Option<String>,
        today: bool,
        retired: Option<RetiredWords>,
        oauth: Option<OAuthWords>,
        refresh: Option<RefreshWords>,
    }

    OAuthWords {
        grant: Option<String>,
        pkce: Option<String>,
        client: Option<String>,
        issuer: Option<String>,
        authorize: BTreeMap<String, String>,
        assertion: Option<AssertionWords>,
    }

    AssertionWords {
        issuer: Option<String>,
        subject: Option<String>,
        audience: Option<String>,
        scope: Option<String>,
        lifetime: Option<u32>,
        unique: bool,
        key: Option<String>,
    }

    AuthenticateWords {
        basic: Option<BasicWords>,
        headers: BTreeMap<String, String>,
        oauth1: Option<String>,
    }

    BasicWords {
        username: Option<String>,
        password: Option<String>,
    }

    RetiredWords {
        date: Option<String>,
        instead: Option<String>,
    }

    RefreshWords {
        margin: Option<u32>,
        reuse: Option<String>,
    }

    /// `bunsen` on a configuration entry.
    EntryWords {
        fill: Option<String>,
        generate: Option<String>,
        ask: Many<AskWords>,
        account: bool,
    }

    AskWords {
        groups: Vec<String>,
        label: Option<String>,
        help: Option<String>,
        #[serde(rename = "where")]
        place: Option<String>,
        options: Many<OptionDefinition>,
    }

    /// `bunsen` on a parameter.
    ParameterWords {
        fill: Option<String>,
        template: Option<String>,
        generate: Option<String>,
        compose: Vec<PieceWords>,
    }

    PieceWords {
        text: Option<String>,
        answer: Option<String>,
    }

    /// `bunsen` on a resource.
    ResourceWords {
        groups: Vec<String>,
        anonymous: bool,
        once: Option<String>,
        repeatable: bool,
        only: Vec<String>,
        form: Option<String>,
        account: Option<AccountWords>,
        message: Option<String>,
        expect: Option<ConditionWords>,
        fault: Many<FaultWords>,
        wrap: Option<String>,
        record: Option<RecordWords>,
        weight: Option<u64>,
        paging: PagingWords,
        filter: Option<FilterWords>,
        order: Option<OrderWords>,
        ping: bool,
        fields: Option<FieldsWords>,
    }

    /// `bunsen` on an object.
    ObjectWords {
        discovery: Vec<String>,
    }

    FieldsWords {
        name: Option<String>,
        names: BTreeMap<String, String>,
        initial: Option<String>,
        label: Option<String>,
        #[serde(rename = "type")]
        kind: Option<String>,
        types: BTreeMap<String, String>,
        required: Option<TestWords>,
        read_only: Option<TestWords>,
        hidden: Option<TestWords>,
        skip: Option<TestWords>,
        custom: Option<TestWords>,
        custom_below: Option<String>,
        choices: Option<ChoicesWords>,
    }

    TestWords {
        equals: BTreeMap<String, Vec<String>>,
        differs: BTreeMap<String, Vec<String>>,
        present: Vec<String>,
        absent: Vec<String>,
    }

    ChoicesWords {
        at: Option<String>,
        value: Option<String>,
        text: Option<String>,
        keys: Option<String>,
    }

    PagingWords {
        #[serde(rename = "type")]
        kind: Option<String>,
        more: Option<String>,
        total: Option<String>,
        link: bool,
        max: Option<usize>,
    }

    FilterWords {
        push: Many<PushWords>,
        local: Vec<String>,
        means: Many<MeaningWords>,
    }

    MeaningWords {
        field: Option<String>,
        of: Option<String>,
        begins: bool,
    }

    PushWords {
        field: Option<String>,
        operators: Vec<String>,
        query: Option<String>,
        resource: Option<String>,
        by: Option<String>,
        #[serde(rename = "as")]
        form: Option<String>,
        loose: bool,
        parameter: bool,
    }

    RecordWords {
        like: Option<String>,
        members: Many<MemberWords>,
        lifted: Option<LiftedWords>,
        slots: Many<SlotWords>,
        joined: Many<JoinedWords>,
        known: Option<String>,
    }

    MemberWords {
        name: Option<String>,
        of: Option<String>,
        #[serde(rename = "as")]
        form: Option<String>,
        members: Vec<String>,
        first: Map<String, Value>,
        inside: Many<MemberWords>,
        only: Option<String>,
    }

    LiftedWords {
        of: Option<String>,
        letters: Option<String>,
        length: Option<usize>,
    }

    SlotWords {
        name: Option<String>,
        list: Option<String>,
        count: Option<usize>,
        members: Vec<String>,
        first: Map<String, Value>,
    }

    JoinedWords {
        name: Option<String>,
        of: Vec<String>,
    }

    OrderWords {
        query: Option<String>,
        direction: Option<String>,
        fields: Vec<String>,
    }

    AccountWords {
        id: Vec<String>,
        name: Vec<String>,
    }

    ConditionWords {
        status: Vec<u16>,
        content: Option<String>,
        present: Vec<String>,
        absent: Vec<String>,
        equals: BTreeMap<String, Vec<String>>,
        differs: BTreeMap<String, Vec<String>>,
        contains: BTreeMap<String, Vec<String>>,
        given: Vec<String>,
        given_equals: BTreeMap<String, Vec<String>>,
        given_differs: BTreeMap<String, Vec<String>>,
    }

    FaultWords {
        when: ConditionWords,
        status: Option<u16>,
        message: Option<String>,
        entry: Option<String>,
        authorize: bool,
        blame: Option<String>,
    }
}

impl ElementDefinition {
    pub fn read(json: &Value) -> Self {
        Self::deserialize(json).unwrap_or_default()
    }

    /// The same with further entries after its own.
    pub fn with_entries(&self, entries: &[Value]) -> Self {
        let mut definition = self.clone();
        let read = |entry| EntryDefinition::deserialize(entry).unwrap_or_default();
        definition.configuration.0.extend(entries.iter().map(read));
        definition
    }
}
