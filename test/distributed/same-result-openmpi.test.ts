import { testSameResult } from "./same-result-cases";

testSameResult("openmpi", [2, 3, 4]);
