import { expect, test } from 'vitest'
import { isConfidentialUrl } from '../../../src/core/net/confidential-url.ts'

for (const { text, confidential } of [
  { text: 'https://sts.eu-central-1.amazonaws.com', confidential: true },
  { text: 'https://stint.example:8445/', confidential: true },
  { text: 'http://127.0.0.1:8445', confidential: true },
  { text: 'http://127.8.9.1:8445', confidential: true }, // RFC 1122, section 3.2.1.3: all of 127/8
  { text: 'http://[::1]:8445', confidential: true },
  { text: 'http://localhost:8445', confidential: true },
  { text: 'http://2130706433/', confidential: true }, // WHATWG URL, section 3.5: the number is 127.0.0.1
  { text: 'http://stint.example', confidential: false },
  { text: 'http://10.0.0.1', confidential: false },
  { text: 'http://127.0.0.1.example', confidential: false },
  { text: 'http://localhost.example', confidential: false },
  { text: 'https://user:pass@stint.example', confidential: false },
  { text: 'http://127.0.0.1@stint.example', confidential: false },
  { text: 'ftp://127.0.0.1', confidential: false },
  { text: 'stint.example', confidential: false },
  { text: '', confidential: false },
])
  test(`secrets may ${confidential ? '' : 'not '}travel to ${JSON.stringify(text)}`, () => {
    expect(isConfidentialUrl(text)).toBe(confidential)
  })
