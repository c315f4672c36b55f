import { testResume } from "./resume-cases";

testResume("openmpi", 2);
