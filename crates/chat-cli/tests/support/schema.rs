//! Checks an object against `docs/schema.json`, with the subset of JSON Schema that the file uses.

use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../docs/schema.json");

/// Panics with the reason if `object` does not match.
pub(crate) fn check(object: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    if let Err(why) = fits(object, &schema, &schema) {
        panic!("{object} does not match the schema: {why}");
    }
}

fn fits(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    let Some(rules) = schema.as_object() else { return Ok(()) };
    for (rule, wanted) in rules {
        let ok = match rule.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().unwrap().trim_start_matches('#');
                fits(value, root.pointer(pointer).expect("a definition"), root)?;
                true
            }
            "type" => match wanted.as_str().unwrap() {
                "object" => value.is_object(),
                "string" => value.is_string(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_u64() || value.is_i64(),
                other => panic!("type {other} is not supported by this test"),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= wanted.as_u64().unwrap()),
            "pattern" => {
                value.as_str().is_none_or(|text| regex::Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text))
            }
            "required" => wanted.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "properties" => {
                for (key, schema) in wanted.as_object().unwrap() {
                    if let Some(field) = value.get(key) {
                        fits(field, schema, root).map_err(|why| format!("{key}: {why}"))?;
                    }
                }
                true
            }
            "dependentRequired" => wanted.as_object().unwrap().iter().all(|(key, needs)| {
                value.get(key).is_none()
                    || needs.as_array().unwrap().iter().all(|need| value.get(need.as_str().unwrap()).is_some())
            }),
            "oneOf" => {
                let fitting = wanted.as_array().unwrap().iter().filter(|one| fits(value, one, root).is_ok()).count();
                fitting == 1
            }
            "anyOf" => wanted.as_array().unwrap().iter().any(|one| fits(value, one, root).is_ok()),
            "not" => fits(value, wanted, root).is_err(),
            "title" | "description" | "$schema" | "$defs" | "format" | "$id" => true,
            other => panic!("the rule {other} is not supported by this test"),
        };
        if !ok {
            return Err(format!("{value} breaks {rule}: {wanted}"));
        }
    }
    Ok(())
}
