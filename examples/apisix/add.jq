# The next document: everything as it is, with the ingest route added or replaced.
# A collection whose version stays is kept by APISIX and need not be sent; one without version would be wiped.
. as $now
| with_entries(select(.key | endswith("_conf_version")))
+ {
    routes: ([$now.routes[]? | select(.id != "amesh-ingest")] + $new[0].routes),
    routes_conf_version: ($now.routes_conf_version + 1)
  }
