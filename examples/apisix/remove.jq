# The next document: everything as it is, without the ingest route and without what amesh made.
def theirs: [.[]? | select(.id != "amesh-ingest" and .labels["managed-by"]? != "amesh")];
. as $now
| with_entries(select(.key | endswith("_conf_version")))
+ {
    routes: ($now.routes | theirs),
    routes_conf_version: ($now.routes_conf_version + 1),
    upstreams: ($now.upstreams | theirs),
    upstreams_conf_version: ($now.upstreams_conf_version + 1)
  }
