select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice),
       sum(l_extendedprice * (1 - l_discount)::decimal(5,2)),
       sum(l_extendedprice * (1 - l_discount)::decimal(5,2) * (1 + l_tax)::decimal(5,2)),
       {part: sum(l_quantity), whole: count(l_quantity)}, {part: sum(l_extendedprice), whole: count(l_extendedprice)},
       {part: sum(l_discount), whole: count(l_discount)}, count(*)
from lineitem
where l_shipdate <= date '1998-12-01' - interval 90 day
group by l_returnflag, l_linestatus
