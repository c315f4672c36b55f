import { testResume } from "./resume-cases";

testResume("mpich", 1);
