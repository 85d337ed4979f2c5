#!/usr/bin/env node
import { run } from "../lib/command.js";

run(process.argv.slice(2));
