// Owns: properties that are tried with the same values on every run: what fails once fails again. Does not own: the properties.
import fc from 'fast-check';

/** Another looks elsewhere: `ASSAY_PROPERTY_SEED=7 npx vitest run tests/unit`. */
const seed = Number(process.env['ASSAY_PROPERTY_SEED'] ?? 1);
if (!Number.isSafeInteger(seed))
  throw new TypeError(`ASSAY_PROPERTY_SEED: expected an integer, got ${process.env['ASSAY_PROPERTY_SEED']}`);
fc.configureGlobal({ seed });

export default fc;
