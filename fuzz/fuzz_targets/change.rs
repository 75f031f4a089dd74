//! One change of an event.

use fastrand::Rng;
use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Value, json};

/// Changes the first `size` bytes of `data`, which holds `max_size`. Returns the new size. `names` are what a map may get,
/// beside what it has.
///
/// Most changes of bytes leave no JSON, and what is no JSON is soon done with. So three of four are made to what the JSON
/// says.
pub fn mutated(data: &mut [u8], size: usize, max_size: usize, seed: u32, names: &[&str]) -> usize {
    let mut random = Rng::with_seed(seed.into());
    if let (1.., Ok(mut event)) = (random.u8(..4), serde_json::from_slice(&data[..size])) {
        change(&mut event, &mut random, names);
        let text = event.to_string();
        if text.len() <= max_size {
            data[..text.len()].copy_from_slice(text.as_bytes());
            return text.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
}

/// Changes one value of the event, or one field of it.
fn change(event: &mut Value, random: &mut Rng, names: &[&str]) {
    let other = any_value(event, random).clone();
    let place = any_value(event, random);
    match (random.u8(..8), place) {
        (0, place) => *place = other,
        (1, place) => *place = json!([place.take(), other]),
        (2, place) => {
            *place = [Value::Null, json!(true), json!(random.i64(..)), json!(""), json!({})][random.usize(..5)].take()
        }
        (_, Value::Object(fields)) => match fields.keys().nth(random.usize(..=fields.len())).cloned() {
            Some(name) if random.bool() => drop(fields.remove(&name)),
            Some(name) => drop(fields.insert(name, other)),
            None => drop(fields.insert(names[random.usize(..names.len())].to_owned(), other)),
        },
        (_, Value::Array(list)) => list.insert(random.usize(..=list.len()), other),
        (3, Value::String(text)) => *text = text.repeat(random.usize(..9)),
        (4, Value::String(text)) => {
            let places: Vec<_> = (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
            text.insert(places[random.usize(..places.len())], random.char(..));
        }
        (_, Value::String(text)) => {
            let mut bytes = text.clone().into_bytes();
            let size = bytes.len();
            bytes.resize(size + 64, 0);
            let size = fuzzer_mutate(&mut bytes, size, size + 64);
            *text = String::from_utf8_lossy(&bytes[..size]).into_owned();
        }
        (_, place) => *place = Value::from(place.to_string()),
    }
}

/// The event itself, or anything in it: a step further down, as long as there is one and the dice say so.
fn any_value<'a>(event: &'a mut Value, random: &mut Rng) -> &'a mut Value {
    let parts = match &*event {
        Value::Object(fields) => fields.len(),
        Value::Array(list) => list.len(),
        _ => 0,
    };
    if parts == 0 || random.u8(..8) == 0 {
        return event;
    }
    let nth = random.usize(..parts);
    let part = match event {
        Value::Object(fields) => fields.values_mut().nth(nth),
        Value::Array(list) => list.get_mut(nth),
        _ => None,
    };
    any_value(part.expect("it was counted"), random)
}
