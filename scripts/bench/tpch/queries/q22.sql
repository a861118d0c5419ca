with seven as (
  select *, substring(c_phone, 1, 2) as cntrycode from customer
  where substring(c_phone, 1, 2) in ('13', '31', '23', '29', '30', '18', '17'))
select cntrycode, count(*), sum(c_acctbal)
from seven
where c_acctbal * (select count(*) from seven where c_acctbal > 0)
        > (select sum(c_acctbal) from seven where c_acctbal > 0)
  and not exists (select * from orders where o_custkey = c_custkey)
group by cntrycode
