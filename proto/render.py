#!/usr/bin/env python3
"""Write .proto sources for the transitive closure of some root messages.

usage: render.py DESCRIPTOR_SET [ROOTS [OUT_DIR]]

DESCRIPTOR_SET is a binary FileDescriptorSet, ROOTS a text file with one fully
qualified message or service a line (default: roots.txt beside this script). One file is
written per original file, holding the reachable top-level messages whole; names, numbers,
types, labels, one-ofs and enum values are kept, annotations and comments are not.
Other .proto files below OUT_DIR are removed. Needs the Python package `protobuf`.
"""
import pathlib
import sys

from google.protobuf import descriptor_pb2 as pb

F = pb.FieldDescriptorProto
SCALARS = {
    F.TYPE_DOUBLE: "double", F.TYPE_FLOAT: "float", F.TYPE_INT64: "int64",
    F.TYPE_UINT64: "uint64", F.TYPE_INT32: "int32", F.TYPE_FIXED64: "fixed64",
    F.TYPE_FIXED32: "fixed32", F.TYPE_BOOL: "bool", F.TYPE_STRING: "string",
    F.TYPE_BYTES: "bytes", F.TYPE_UINT32: "uint32", F.TYPE_SFIXED32: "sfixed32",
    F.TYPE_SFIXED64: "sfixed64", F.TYPE_SINT32: "sint32", F.TYPE_SINT64: "sint64",
}
WELL_KNOWN = "google/protobuf/"


class Index:
    """Every type of the descriptor set by full name, with the top-level element it lies in."""

    def __init__(self, descriptors):
        self.files = {file.name: file for file in descriptors.file}
        self.owner = {}  # full name -> (file name, top-level element)
        for file in descriptors.file:
            prefix = "." + file.package
            for message in file.message_type:
                self._add(prefix, message, (file.name, message))
            for element in [*file.enum_type, *file.service]:
                self.owner[f"{prefix}.{element.name}"] = (file.name, element)

    def _add(self, prefix, message, owner):
        name = f"{prefix}.{message.name}"
        self.owner[name] = owner
        for enum in message.enum_type:
            self.owner[f"{name}.{enum.name}"] = owner
        for nested in message.nested_type:
            self._add(name, nested, owner)


def references(element):
    """The full names of the types that a top-level element refers to."""
    if isinstance(element, pb.ServiceDescriptorProto):
        for method in element.method:
            yield method.input_type
            yield method.output_type
    if isinstance(element, pb.DescriptorProto):
        for field in element.field:
            if field.type_name:
                yield field.type_name
        for nested in element.nested_type:
            yield from references(nested)


def closure(index, roots):
    """Reachable top-level elements by file name, and the files each file imports."""
    elements, imports, todo = {}, {}, list(roots)
    while todo:
        file_name, element = index.owner[todo.pop()]
        known = elements.setdefault(file_name, {})
        if file_name.startswith(WELL_KNOWN) or element.name in known:
            continue
        known[element.name] = element
        for name in references(element):
            other = index.owner[name][0]
            if other != file_name:
                imports.setdefault(file_name, set()).add(other)
            todo.append(name)
    return {name: e for name, e in elements.items() if e}, imports


def field_type(field, entries):
    if field.type_name in entries:
        key, value = entries[field.type_name].field
        return f"map<{field_type(key, {})}, {field_type(value, {})}>"
    return field.type_name or SCALARS[field.type]


def render_field(field, entries, pad):
    label = ""
    if field.proto3_optional:
        label = "optional "
    elif field.label == F.LABEL_REPEATED and field.type_name not in entries:
        label = "repeated "
    packed = ""
    if field.options.HasField("packed"):
        packed = f" [packed = {str(field.options.packed).lower()}]"
    return f"{pad}{label}{field_type(field, entries)} {field.name} = {field.number}{packed};"


def render_enum(enum, pad):
    yield f"{pad}enum {enum.name} {{"
    if enum.options.allow_alias:
        yield f"{pad}  option allow_alias = true;"
    for value in enum.value:
        yield f"{pad}  {value.name} = {value.number};"
    yield f"{pad}}}"


def render_message(message, full_name, pad):
    inner = pad + "  "
    entries = {
        f"{full_name}.{nested.name}": nested
        for nested in message.nested_type
        if nested.options.map_entry
    }
    yield f"{pad}message {message.name} {{"
    for enum in message.enum_type:
        yield from render_enum(enum, inner)
    for nested in message.nested_type:
        if not nested.options.map_entry:
            yield from render_message(nested, f"{full_name}.{nested.name}", inner)
    written = set()
    for field in message.field:
        if not field.HasField("oneof_index") or field.proto3_optional:
            yield render_field(field, entries, inner)
        elif field.oneof_index not in written:
            written.add(field.oneof_index)
            yield f"{inner}oneof {message.oneof_decl[field.oneof_index].name} {{"
            for member in message.field:
                if member.HasField("oneof_index") and member.oneof_index == field.oneof_index:
                    yield render_field(member, entries, inner + "  ")
            yield f"{inner}}}"
    yield f"{pad}}}"


def render_service(service):
    yield f"service {service.name} {{"
    for method in service.method:
        source = ("stream " if method.client_streaming else "") + method.input_type
        target = ("stream " if method.server_streaming else "") + method.output_type
        yield f"  rpc {method.name}({source}) returns ({target});"
    yield "}"


def render_file(file, elements, imports):
    if file.syntax != "proto3":
        raise SystemExit(f"{file.name}: only proto3 files are supported")
    yield 'syntax = "proto3";'
    yield ""
    yield f"package {file.package};"
    if imports:
        yield ""
        yield from (f'import "{name}";' for name in sorted(imports))
    for enum in file.enum_type:
        if enum.name in elements:
            yield ""
            yield from render_enum(enum, "")
    for message in file.message_type:
        if message.name in elements:
            yield ""
            yield from render_message(message, f".{file.package}.{message.name}", "")
    for service in file.service:
        if service.name in elements:
            yield ""
            yield from render_service(service)


def read_roots(path):
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return ["." + line for line in lines if line]


def main(arguments):
    here = pathlib.Path(__file__).parent
    descriptors = pb.FileDescriptorSet()
    descriptors.ParseFromString(pathlib.Path(arguments[0]).read_bytes())
    roots = read_roots(pathlib.Path(arguments[1]) if len(arguments) > 1 else here / "roots.txt")
    out = pathlib.Path(arguments[2]) if len(arguments) > 2 else here
    index = Index(descriptors)
    missing = [name for name in roots if name not in index.owner]
    if missing:
        raise SystemExit(f"not in the descriptor set: {', '.join(missing)}")
    elements, imports = closure(index, roots)
    for old in out.rglob("*.proto"):
        old.unlink()
    for name, wanted in sorted(elements.items()):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = render_file(index.files[name], wanted, imports.get(name, set()))
        path.write_text("\n".join(lines) + "\n")
    print(f"{len(elements)} files, {sum(map(len, elements.values()))} top-level elements")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
