// Owns: nothing: the error for flags and files is the model's.
export { errnoOf, foundInstead, invalid } from '../model/invalid-input.js';
