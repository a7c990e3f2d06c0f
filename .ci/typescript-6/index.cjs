// The last TypeScript whose compiler has a JavaScript API. The package `typescript` cannot be installed twice, since
// both would bring the program `tsc`; ts-morph ships the same compiler without it.
module.exports = require('@ts-morph/common').ts
