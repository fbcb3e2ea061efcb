/** The CLI from its sources, as `bin/lanyard.js` starts the built one. */
import { main } from "../../src/cli/main.ts";

process.exitCode = await main(process.argv.slice(2));
