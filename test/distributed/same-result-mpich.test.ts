import { testSameResult } from "./same-result-cases";

testSameResult("mpich", [3]);
