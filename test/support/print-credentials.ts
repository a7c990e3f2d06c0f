import { readFile } from 'node:fs/promises'

/** A child of `stint exec`: fetches credentials the way AWS SDKs do and prints what it found. */
const { AWS_CONTAINER_CREDENTIALS_FULL_URI = '', AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = '' } = process.env
const authorization = await readFile(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, 'utf8')
const response = await fetch(AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization } })
const names = Object.keys(process.env).filter((name) => /^(AWS|STINT|BOTO)_/.test(name))
const body = await response.json()
process.stdout.write(JSON.stringify({ status: response.status, body, names: names.sort() }))
process.exitCode = Number(process.argv[2] ?? 0)
