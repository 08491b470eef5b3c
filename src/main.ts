#!/usr/bin/env node
import { main } from './cli/main.ts'

process.exitCode = await main({
  argv: process.argv.slice(2),
  environment: process.env,
  directory: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})
